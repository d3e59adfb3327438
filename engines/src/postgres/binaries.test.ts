import { mkdir, mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { linkElsewhere, missingLinks, replayLinks } from './binaries.ts';

const LINKS = [
  { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' },
  { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so' },
];

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'binaries-'));
  await mkdir(join(root, 'native/lib'), { recursive: true });
  await writeFile(join(root, 'native/lib/libpq.so.5.18'), 'the library');
  await writeFile(join(root, 'native/pg-symlinks.json'), JSON.stringify(LINKS));
});

afterEach(() => rm(root, { recursive: true }));

test('creates the links that an installation without scripts has not created', async () => {
  expect(await missingLinks(root)).toEqual(LINKS);
  expect(await replayLinks(root, LINKS)).toBe(true);
  expect(await readlink(join(root, 'native/lib/libpq.so.5'))).toBe('libpq.so.5.18');
  expect(await missingLinks(root)).toEqual([]);
});

test('accepts a link that another process has created meanwhile', async () => {
  await replayLinks(root, LINKS.slice(0, 1));
  expect(await replayLinks(root, LINKS)).toBe(true);
  expect(await missingLinks(root)).toEqual([]);
});

test('creates them in another folder, readable whatever the umask is', async () => {
  const umask = process.umask(0o077);
  try {
    await linkElsewhere(root, LINKS, join(root, 'links'));
  } finally {
    process.umask(umask);
  }
  expect(await readFile(join(root, 'links/libpq.so.5'), 'utf8')).toBe('the library');
  expect((await stat(join(root, 'links'))).mode & 0o777).toBe(0o755);
});
