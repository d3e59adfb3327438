import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type Tree, treeOf } from './tree.ts';

/** Reads the tree below a folder, without installed packages and names that begin with a dot. */
export async function readTree(root: string): Promise<Tree> {
  const texts: Record<string, string> = {};
  await readFolder(root);
  return treeOf(texts);

  async function readFolder(folder: string): Promise<void> {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) await readFolder(path);
      else if (/\.ts$|^package\.json$/.test(entry.name))
        texts[relative(root, path).replaceAll('\\', '/')] = await readFile(path, 'utf8');
    }
  }
}
