import { dirname, join } from 'node:path/posix';

/**
 * The source tree as the rules see it: its TypeScript files with their imports, and its package.json files. Imports are found by
 * their statements, which the formatter puts at the start of a line. Imports of types are marked, because they are gone when
 * the program runs.
 */
export type Tree = { readonly files: readonly SourceFile[]; readonly manifests: readonly Manifest[] };

export type SourceFile = {
  /** Relative to the root, with slashes. */
  readonly path: string;
  /** Without its comments. */
  readonly code: string;
  readonly lines: number;
  readonly imports: readonly Import[];
};

export type Import = {
  /** As written in the import. */
  readonly name: string;
  readonly typeOnly: boolean;
  /** The imported file, whether or not it exists; undefined for packages and for Node's own modules. */
  readonly file: string | undefined;
};

export type Manifest = {
  /** The folder of the package.json; empty for the root. */
  readonly folder: string;
  readonly content: ManifestContent;
};

export type ManifestContent = {
  readonly name?: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly dependencies?: Versions;
  readonly devDependencies?: Versions;
  readonly optionalDependencies?: Versions;
  readonly peerDependencies?: Versions;
  readonly overrides?: Versions;
};

type Versions = Readonly<Record<string, string>>;

/** Makes the tree from texts by path: TypeScript files and package.json files; others are ignored. */
export function treeOf(texts: Readonly<Record<string, string>>): Tree {
  const paths = Object.keys(texts);
  const manifests = paths
    .filter((path) => /(^|\/)package\.json$/.test(path))
    .map((path) => ({ folder: path.replace(/\/?package\.json$/, ''), content: JSON.parse(texts[path]!) }));
  const files = paths
    .filter((path) => path.endsWith('.ts'))
    .map((path) => {
      const text = texts[path]!;
      const code = withoutComments(text);
      const imports = findImports(code).map((one) => ({ ...one, file: resolve(one.name, path, manifests) }));
      return { path, code, lines: text.trimEnd().split('\n').length, imports };
    });
  return { files, manifests };
}

const withoutComments = (source: string): string =>
  source.replace(/(^|\s)\/\*[\s\S]*?\*\//g, '$1').replace(/(^|\s)\/\/.*$/gm, '$1');

const STATEMENT = /^(?:import|export)\s+(type\s)?[^'"`;]*?\bfrom\s+['"]([^'"]+)['"]/gm;
const BARE = /^import\s+['"]([^'"]+)['"]/gm;
const CALL = /\b(?:import|require)\(\s*['"]([^'"]+)['"]/g;

function findImports(code: string): { name: string; typeOnly: boolean }[] {
  const statements = [...code.matchAll(STATEMENT)].map(([, type, name]) => ({
    name: name!,
    typeOnly: type !== undefined,
  }));
  const others = [...code.matchAll(BARE), ...code.matchAll(CALL)].map(([, name]) => ({
    name: name!,
    typeOnly: false,
  }));
  return [...statements, ...others];
}

function resolve(name: string, from: string, manifests: readonly Manifest[]): string | undefined {
  if (name.startsWith('.')) return join(dirname(from), name);
  const owner = manifests.find(({ content }) => content.name && name.startsWith(`${content.name}/`));
  if (!owner) return undefined;
  const subpath = `.${name.slice(owner.content.name!.length)}`;
  for (const [pattern, target] of Object.entries(owner.content.exports ?? {})) {
    const [start, end] = pattern.split('*') as [string, string | undefined];
    if (end === undefined ? subpath === start : subpath.startsWith(start) && subpath.endsWith(end)) {
      const part = subpath.slice(start.length, end ? -end.length : undefined);
      return join(owner.folder, target.replace('*', part));
    }
  }
  return join(owner.folder, subpath);
}

/** The workspace that a file belongs to: a package such as `shared/http`, or a folder such as `cart-service`. */
export function workspaceOf(path: string): string {
  const [first, second] = path.split('/');
  return first === 'shared' ? `shared/${second}` : first!;
}

/** Whether a workspace is one of the packages to lift. */
export const isShared = (workspace: string): boolean => workspace.startsWith('shared/');

/** Whether a workspace is one of the system's services. */
export const isService = (workspace: string): boolean => /-service$|^storefront$/.test(workspace);

/** Whether a file serves only tests and measurements, and is no part of what runs in production. */
export const isForTests = (path: string): boolean =>
  /\.(test|contract)\.ts$|\/testing\/|^(e2e|bench|http-cache-record)\//.test(path);

/** The package that an import names, without its subpath; undefined for files and for Node's own modules. */
export function packageOf(one: Import): string | undefined {
  return one.file || one.name.startsWith('.') || one.name.startsWith('node:') ? undefined : nameOf(one);
}

/** The first part of an import's name: a package's, without its subpath. */
export const nameOf = ({ name }: Import): string => /^(@[^/]+\/)?[^/]+/.exec(name)![0];
