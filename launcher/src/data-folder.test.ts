import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { emptyDataFolder, openDataFolder } from './data-folder.ts';

let home: string;
let folder: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'data-'));
  folder = join(home, 'a/data');
});

afterEach(() => rm(home, { recursive: true }));

test('is created and marked, and other users cannot list it', async () => {
  await openDataFolder(folder);
  await openDataFolder(folder);
  expect(await readdir(folder)).toEqual(['micromart-data.txt']);
  expect((await stat(folder)).mode & 0o777).toBe(0o711);
});

test('may be an existing empty folder', async () => {
  await mkdir(folder, { recursive: true });
  await openDataFolder(folder);
  expect(await readdir(folder)).toEqual(['micromart-data.txt']);
});

test('is never a folder with other files', async () => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'thesis.txt'), 'years of work');
  await expect(openDataFolder(folder)).rejects.toThrow(
    /contains files that are not Micromart's; name an empty folder/,
  );
  await expect(openDataFolder(join(folder, 'thesis.txt/data'))).rejects.toThrow(
    /is a file, or lies below one; name a folder/,
  );
  expect(await readdir(folder)).toEqual(['thesis.txt']);
});

test('may have spaces and other characters in its name', async () => {
  for (const name of ['a b', "it's", '-x', 'ünï', '$HOME', ' ']) {
    await openDataFolder(join(home, name));
    expect(await readdir(join(home, name))).toEqual(['micromart-data.txt']);
  }
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux.each([
  ['/proc/x', /^DATA_DIR \/proc\/x cannot be created there; name a folder below a writable one$/],
  ['/proc/x/y', /cannot be created there/],
  ['/dev/null', /is a file, or lies below one/],
  ['/dev/null/data', /is a file, or lies below one/],
  ['/proc', /contains files that are not Micromart's/],
  ['/', /contains files that are not Micromart's/],
  [`/tmp/${'x'.repeat(300)}`, /cannot be used \(ENAMETOOLONG\)/],
])('says in one line why it cannot be %s', async (name, line) => {
  const refused = openDataFolder(name);
  await expect(refused).rejects.toThrow(line);
  await expect(refused).rejects.toThrow(/^[^\n]*$/);
});

/** A file system in its own namespaces; if that is not allowed, these tests are skipped. */
const onReadOnly =
  spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'true']).status === 0 ? test : test.skip;

onReadOnly.each(['new', 'ours'])(
  'says that the file system is read-only, for a folder that is %s',
  async (name) => {
    await openDataFolder(join(home, 'ours'));
    const script = `
    const { openDataFolder } = await import(${JSON.stringify(new URL('./data-folder.ts', import.meta.url).href)});
    await openDataFolder(process.argv[1]).catch((error) => process.stdout.write(error.message));`;
    const mount = `mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" --input-type=module --eval "$3" "$4"`;
    const { stdout } = await promisify(execFile)('unshare', [
      ...['--user', '--map-root-user', '--mount', 'sh', '-c', mount, 'sh'],
      ...[home, process.execPath, script, join(home, name)],
    ]);
    expect(stdout).toBe(
      `DATA_DIR ${join(home, name)} is on a read-only file system; name a folder on another`,
    );
  },
);

test('is emptied but for its mark and what is in use', async () => {
  await openDataFolder(folder);
  for (const name of ['postgres', 'issuer', 'run']) await mkdir(join(folder, name));
  await emptyDataFolder(folder, 'run');
  expect((await readdir(folder)).sort()).toEqual(['micromart-data.txt', 'run']);
});
