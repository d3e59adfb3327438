import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { makeFolder } from './make-folder.ts';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'make-'));
});

afterEach(() => rm(home, { recursive: true }));

test('creates what is missing, and returns whether it did', async () => {
  const folder = join(home, 'a b/c/d');
  expect(await makeFolder(folder)).toBe(true);
  expect((await stat(folder)).isDirectory()).toBe(true);
  expect(await makeFolder(folder)).toBe(false);
});

test('may be called several times at once', async () => {
  const folder = join(home, 'a/b/c/d');
  await Promise.all(Array.from({ length: 10 }, () => makeFolder(folder)));
  expect((await stat(folder)).isDirectory()).toBe(true);
});

test('follows links', async () => {
  await mkdir(join(home, 'there'));
  await symlink(join(home, 'there'), join(home, 'link'));
  expect(await makeFolder(join(home, 'link'))).toBe(false);
  await makeFolder(join(home, 'link/below'));
  expect((await stat(join(home, 'there/below'))).isDirectory()).toBe(true);
});

test('fails if a file is in the way', async () => {
  await writeFile(join(home, 'file'), '');
  for (const name of ['file', 'file/below', 'file/a/b']) {
    await expect(makeFolder(join(home, name))).rejects.toMatchObject({ code: 'ENOTDIR' });
  }
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('comes back where no folder can be made', async () => {
  await expect(makeFolder('/proc/x')).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(makeFolder('/proc/x/y/z')).rejects.toMatchObject({ code: 'ENOENT' });
});
