import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder, given by its absolute name, and those above it that are missing; gives whether it was not there. Node's
 * own `recursive` never comes back where the file system says that a folder is missing in which one is to be made (/proc),
 * and says that one is missing where the file system is read-only. Throws the file system's error.
 */
export async function makeFolder(folder: string): Promise<boolean> {
  const missing: string[] = [];
  for (let at = folder; !(await isFolder(at)); at = dirname(at)) missing.push(at);
  for (const one of missing.reverse()) {
    await mkdir(one).catch((error: NodeJS.ErrnoException) => {
      // Somebody else made it meanwhile; or it is a link to nowhere, which its first use tells.
      if (error.code !== 'EEXIST') throw error;
    });
  }
  return missing.length > 0;
}

/** Whether it is there; throws where it is something else. */
async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(path) !== path) return false;
    throw error;
  }
  throw Object.assign(new Error(`${path} is a file`), { code: 'ENOTDIR' });
}
