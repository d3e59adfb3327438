import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Creates a folder, given by its absolute name, and its missing parents; resolves with whether it was missing. Node's own
 * `recursive` never returns if the file system reports a missing parent again and again (/proc), and reports a missing folder
 * on a read-only file system. Throws the file system's error.
 */
export async function makeFolder(folder: string): Promise<boolean> {
  const missing: string[] = [];
  for (let at = folder; !(await isFolder(at)); at = dirname(at)) missing.push(at);
  for (const one of missing.reverse()) {
    await mkdir(one).catch((error: NodeJS.ErrnoException) => {
      // Another process created it meanwhile; or it is a broken link, which its first use reports.
      if (error.code !== 'EEXIST') throw error;
    });
  }
  return missing.length > 0;
}

/** Whether the folder exists; throws if it is something else. */
async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(path) !== path) return false;
    throw error;
  }
  throw Object.assign(new Error(`${path} is a file`), { code: 'ENOTDIR' });
}
