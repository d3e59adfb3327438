import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { emptyDataFolder, openDataFolder } from './data-folder.ts';

let home: string;
let folder: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'data-'));
  folder = join(home, 'a/data');
});

afterEach(() => rm(home, { recursive: true }));

test('is made and marked, and let nobody else look around', async () => {
  await openDataFolder(folder);
  await openDataFolder(folder);
  expect(await readdir(folder)).toEqual(['micromart-data.txt']);
  expect((await stat(folder)).mode & 0o777).toBe(0o711);
});

test('may be an empty folder that is there already', async () => {
  await mkdir(folder, { recursive: true });
  await openDataFolder(folder);
  expect(await readdir(folder)).toEqual(['micromart-data.txt']);
});

test("is never somebody else's", async () => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'thesis.txt'), 'years of work');
  await expect(openDataFolder(folder)).rejects.toThrow(
    /holds files that are not Micromart's; name an empty folder/,
  );
  await expect(openDataFolder(join(folder, 'thesis.txt/data'))).rejects.toThrow(/cannot be used \(ENOTDIR\)/);
  expect(await readdir(folder)).toEqual(['thesis.txt']);
});

test('is emptied but for its mark and what is in use', async () => {
  await openDataFolder(folder);
  for (const name of ['postgres', 'issuer', 'run']) await mkdir(join(folder, name));
  await emptyDataFolder(folder, 'run');
  expect((await readdir(folder)).sort()).toEqual(['micromart-data.txt', 'run']);
});
