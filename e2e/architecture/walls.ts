import {
  type Import,
  isForTests,
  isService,
  packageOf,
  type SourceFile,
  type Tree,
  workspaceOf,
} from './tree.ts';

/** Who may import whom. A rule gives a line for each place that breaks it. */
export type Rule = (tree: Tree) => string[];

const breach = ({ path }: SourceFile, { name }: Import): string => `${path} imports ${name}`;

/** The files of one kind, with the workspaces they import besides their own. */
const foreignImports = (tree: Tree, isMeant: (path: string) => boolean) =>
  tree.files
    .filter(({ path }) => isMeant(path))
    .flatMap((file) =>
      file.imports
        .map((one) => ({ file, one, workspace: one.file && workspaceOf(one.file) }))
        .filter(({ workspace }) => workspace !== undefined && workspace !== workspaceOf(file.path)),
    );

export const servicesImportOnlyShared: Rule = (tree) =>
  foreignImports(tree, (path) => isService(workspaceOf(path)))
    .filter(({ workspace }) => workspace !== 'shared')
    .map(({ file, one }) => breach(file, one));

export const sharedImportsNobody: Rule = (tree) =>
  foreignImports(tree, (path) => workspaceOf(path) === 'shared').map(({ file, one }) => breach(file, one));

export const launcherAndDemoImportNoService: Rule = (tree) =>
  foreignImports(tree, (path) => ['launcher', 'demo'].includes(workspaceOf(path)))
    .filter(({ workspace }) => isService(workspace!))
    .map(({ file, one }) => breach(file, one));

/** Within a workspace by path, to another by its package's subpath: a path across would get round what it exports. */
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

/** A package is declared where it is imported; tests may use the root's development dependencies too. */
export const packagesAreDeclared: Rule = (tree) => {
  const declaredBy = (folder: string): string[] => {
    const content = tree.manifests.find((manifest) => manifest.folder === folder)?.content;
    return Object.keys({ ...content?.dependencies, ...content?.optionalDependencies });
  };
  const root = tree.manifests.find(({ folder }) => folder === '')?.content;
  const forTests = Object.keys(root?.devDependencies ?? {});
  return tree.files.flatMap((file) => {
    const declared = new Set([
      ...declaredBy(workspaceOf(file.path)),
      ...(isForTests(file.path) ? [...forTests, ...declaredBy('shared')] : []),
    ]);
    return file.imports
      .filter((one) => packageOf(one) && !declared.has(packageOf(one)!))
      .map((one) => `${breach(file, one)}, which ${workspaceOf(file.path)}/package.json does not declare`);
  });
};

/** The libraries that do I/O, and the files whose names say that they use them. */
const DRIVERS: Readonly<Record<string, RegExp>> = {
  pg: /\/postgres\/|\/postgres[^/]*\.ts$/,
  'node-pg-migrate': /\/postgres\/|\/postgres[^/]*\.ts$/,
  mongodb: /\/mongodb\/|\/mongodb[^/]*\.ts$/,
  kafkajs: /\/kafka\/|\/kafka[^/]*\.ts$/,
  'pg-boss': /\/pg-boss[^/]*\.ts$|\/queue\//,
  express: /^shared\/src\/http\//,
  helmet: /^shared\/src\/http\//,
  'zod-openapi': /\/openapi[^/]*\.ts$/,
  'prom-client': /\/metrics[^/]*\.ts$/,
  pino: /\/logger\.ts$/,
  jose: /\/(auth|key-set|issuer)[^/]*\.ts$/,
  'csv-parse': /\/csv[^/]*\.ts$/,
  'cli-progress': /\/progress\.ts$/,
  'node-cache': /\/http\//,
};

export const driversStayBehindTheirNames: Rule = (tree) =>
  tree.files
    .filter(({ path }) => !isForTests(path))
    .flatMap((file) =>
      file.imports
        .filter((one) => DRIVERS[packageOf(one) ?? '']?.test(file.path) === false)
        .map((one) => breach(file, one)),
    );
