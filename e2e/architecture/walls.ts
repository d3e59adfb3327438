import {
  type Import,
  isForTests,
  isService,
  isShared,
  nameOf,
  packageOf,
  type SourceFile,
  type Tree,
  workspaceOf,
} from './tree.ts';

/** Who may import whom. A rule returns a line for each violation. */
export type Rule = (tree: Tree) => string[];

const breach = ({ path }: SourceFile, { name }: Import): string => `${path} imports ${name}`;

/** The files of one kind, with the other workspaces that they import. */
const foreignImports = (tree: Tree, isMeant: (path: string) => boolean) =>
  tree.files
    .filter(({ path }) => isMeant(path))
    .flatMap((file) =>
      file.imports
        .map((one) => ({ file, one, workspace: one.file && workspaceOf(one.file) }))
        .filter(({ workspace }) => workspace !== undefined && workspace !== workspaceOf(file.path)),
    );

/** Runs on a developer's machine only. */
const ENGINES = 'engines';
const MAY_IMPORT_ENGINES = ['engines', 'launcher', 'demo', 'e2e', 'bench', 'shared/testing'];

export const servicesImportOnlyShared: Rule = (tree) =>
  foreignImports(tree, (path) => isService(workspaceOf(path)))
    .filter(({ workspace }) => !isShared(workspace!) && workspace !== ENGINES)
    .map(({ file, one }) => breach(file, one));

/** The packages, lowest first: each may import those before it. Tests may use the package for tests, too. */
export const PACKAGES = [
  'text',
  'process',
  'events',
  'contracts',
  'postgres',
  'mongodb',
  'http',
  'http-cache',
  'product-copies',

  'sweeping',
  'service',
  'event-log',
  'event-log-postgres',
  'event-log-mongodb',
  'subscription',
  'kafka',

  'event-source',
  'testing',
] as const;

export const packagesImportOnlyLowerOnes: Rule = (tree) => {
  const heightOf = (workspace: string) => PACKAGES.findIndex((name) => workspace === `shared/${name}`);
  return foreignImports(tree, (path) => isShared(workspaceOf(path)))
    .filter(({ file, workspace }) => {
      const height = heightOf(workspaceOf(file.path));
      const limit = isForTests(file.path) ? PACKAGES.length : height;
      return (
        !(height >= 0 && heightOf(workspace!) >= 0 && heightOf(workspace!) < limit) && workspace !== ENGINES
      );
    })
    .map(({ file, one }) => breach(file, one));
};

export const enginesServeDevelopmentAlone: Rule = (tree) =>
  foreignImports(tree, (path) => !isForTests(path) && !MAY_IMPORT_ENGINES.includes(workspaceOf(path)))
    .filter(({ workspace }) => workspace === ENGINES)
    .map(({ file, one }) => breach(file, one));

export const launcherAndDemoImportNoService: Rule = (tree) =>
  foreignImports(tree, (path) => ['launcher', 'demo'].includes(workspaceOf(path)))
    .filter(({ workspace }) => isService(workspace!))
    .map(({ file, one }) => breach(file, one));

/** Within a workspace by path, from another by its package's subpath: a path would bypass what the package exports. */
export const workspacesMeetByName: Rule = (tree) =>
  foreignImports(tree, () => true)
    .filter(({ one }) => one.name.startsWith('.'))
    .map(({ file, one }) => breach(file, one));

export const productionImportsNoTestCode: Rule = (tree) =>
  tree.files
    .filter(({ path }) => !isForTests(path))
    .flatMap((file) =>
      file.imports.filter((one) => one.file && isForTests(one.file)).map((one) => breach(file, one)),
    );

/**
 * A workspace declares every package that it imports, ours too. Tests may use the root's development dependencies, what any
 * package of shared declares, and all workspaces.
 */
export const packagesAreDeclared: Rule = (tree) => {
  const root = tree.manifests.find(({ folder }) => folder === '')?.content;
  const forTests = Object.keys(root?.devDependencies ?? {});
  const byShared = declaredBy(tree.manifests.filter(({ folder }) => isShared(folder)));
  return tree.files.flatMap((file) => {
    const workspace = workspaceOf(file.path);
    const isTest = isOfTests(file.path);
    const declared = new Set([
      ...declaredBy(tree.manifests.filter(({ folder }) => folder === workspace)),
      ...(isTest ? [...forTests, ...byShared] : []),
    ]);
    const needed = (one: Import): string | undefined => {
      if (!one.name.startsWith('@micromart/')) return packageOf(one);
      return isTest || (one.file && workspaceOf(one.file) === workspace) ? undefined : nameOf(one);
    };
    return file.imports
      .filter((one) => needed(one) && !declared.has(needed(one)!))
      .map((one) => `${breach(file, one)}, which ${workspace}/package.json does not declare`);
  });
};

/** A package of shared declares only what it imports, so that lifting it takes no more than it needs. */
export const declaredPackagesAreImported: Rule = ({ files, manifests }) =>
  manifests
    .filter(({ folder }) => isShared(folder))
    .flatMap((manifest) => {
      const imported = new Set(
        files
          .filter(({ path }) => workspaceOf(path) === manifest.folder && !isOfTests(path))
          .flatMap(({ imports }) => imports.map(nameOf)),
      );
      return declaredBy([manifest])
        .filter((name) => !imported.has(name))
        .map((name) => `${manifest.folder}/package.json declares ${name}, which it does not import`);
    });

const declaredBy = (manifests: Tree['manifests']): string[] =>
  manifests.flatMap(({ content }) =>
    Object.keys({ ...content.dependencies, ...content.optionalDependencies }),
  );

/** Whether a file belongs to a workspace's tests. The package for tests serves others, and has tests of its own. */
const isOfTests = (path: string): boolean =>
  workspaceOf(path) === 'shared/testing' ? /\.test\.ts$/.test(path) : isForTests(path);

/** The libraries that do I/O, and the files whose names say that they use them. */
const DRIVERS: Readonly<Record<string, RegExp>> = {
  pg: /postgres\/|\/postgres[^/]*\.ts$/,
  'node-pg-migrate': /postgres\/|\/postgres[^/]*\.ts$/,
  mongodb: /mongodb\/|\/mongodb[^/]*\.ts$/,
  kafkajs: /\/kafka\/|\/kafka[^/]*\.ts$/,
  'pg-boss': /\/pg-boss[^/]*\.ts$|\/queue\//,
  express: /^shared\/http\//,
  helmet: /^shared\/http\//,
  'zod-openapi': /\/openapi[^/]*\.ts$/,
  'prom-client': /\/metrics[^/]*\.ts$/,
  pino: /\/logger\.ts$/,
  jose: /\/(auth|key-set|issuer)[^/]*\.ts$/,
  'csv-parse': /\/csv[^/]*\.ts$/,
  'cli-progress': /\/progress\.ts$/,
  'node-cache': /^shared\/http-cache\//,
};

export const driversStayBehindTheirNames: Rule = (tree) =>
  tree.files
    .filter(({ path }) => !isForTests(path))
    .flatMap((file) =>
      file.imports
        .filter((one) => DRIVERS[packageOf(one) ?? '']?.test(file.path) === false)
        .map((one) => breach(file, one)),
    );
