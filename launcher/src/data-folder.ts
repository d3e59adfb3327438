/**
 * The folder in which a system keeps all its data. A file in it marks it as ours, so that neither a start nor `--fresh`
 * ever touches a folder that somebody named by mistake.
 */
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const MARKER = 'micromart-data.txt';
const MARKER_TEXT = 'All data of one Micromart system. "npm start -- --fresh" empties this folder.\n';

/** Others may pass through, as root hands PostgreSQL to another user, but not look around. */
const FOLDER_MODE = 0o711;

/** Makes the folder where there is none, and marks it. Throws when it holds somebody else's files. */
export async function openDataFolder(folder: string): Promise<void> {
  try {
    const created = await mkdir(folder, { recursive: true });
    const names = await readdir(folder);
    if (names.includes(MARKER)) return;
    if (names.length > 0) {
      throw new Error(
        `DATA_DIR ${folder} holds files that are not Micromart's; name an empty folder, or a new one`,
      );
    }
    if (created) await chmod(folder, FOLDER_MODE);
    await writeFile(join(folder, MARKER), MARKER_TEXT);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!code) throw error;
    throw new Error(
      `DATA_DIR ${folder} cannot be used (${code}); name another folder, or start as its owner`,
    );
  }
}

/** Removes all but the mark and `keep`, a folder's name. The folder must be open, and no system may be using it. */
export async function emptyDataFolder(folder: string, keep: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name !== MARKER && name !== keep) await rm(join(folder, name), { recursive: true });
  }
}
