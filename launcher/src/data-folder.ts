/**
 * The folder in which a system keeps all its data. A marker file in it shows that it is ours, so that neither a start nor
 * `--fresh` ever touches a folder that somebody named by mistake.
 */
import { access, chmod, constants, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from './make-folder.ts';

const MARKER = 'micromart-data.txt';
const MARKER_TEXT = 'All data of one Micromart system. "npm start -- --fresh" empties this folder.\n';

/** Other users may enter, because root runs PostgreSQL as another user, but not list it. */
const FOLDER_MODE = 0o711;

/** Why the folder cannot be used, and what to do, by the error's code. */
const HINDRANCES: Readonly<Record<string, string>> = {
  EACCES: 'is not accessible to this user; name another folder, or start as its owner',
  EPERM: 'is not accessible to this user; name another folder, or start as its owner',
  EROFS: 'is on a read-only file system; name a folder on another',
  ENOTDIR: 'is a file, or lies below one; name a folder, or a new one',
  ENOSPC: 'is on a full disk; make room, or name a folder on another',
  EDQUOT: 'is on a full disk; make room, or name a folder on another',
  ENOENT: 'cannot be created there; name a folder below a writable one',
};

/**
 * Creates the folder, given by its absolute name, if it is missing, and marks it. Throws a one-line error if it contains other
 * files, or cannot be written.
 */
export async function openDataFolder(folder: string): Promise<void> {
  try {
    const created = await makeFolder(folder);
    const names = await readdir(folder);
    if (names.includes(MARKER)) return await access(folder, constants.W_OK | constants.X_OK);
    if (names.length > 0) {
      throw new Error(
        `DATA_DIR ${folder} contains files that are not Micromart's; name an empty folder, or a new one`,
      );
    }
    if (created) await chmod(folder, FOLDER_MODE);
    await writeFile(join(folder, MARKER), MARKER_TEXT);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!code) throw error;
    const hindrance = HINDRANCES[code] ?? `cannot be used (${code}); name another folder`;
    throw new Error(`DATA_DIR ${folder} ${hindrance}`);
  }
}

/** Removes all but the marker and `keep`, a folder's name. The folder must be open, and no system may be using it. */
export async function emptyDataFolder(folder: string, keep: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name !== MARKER && name !== keep) await rm(join(folder, name), { recursive: true });
  }
}
