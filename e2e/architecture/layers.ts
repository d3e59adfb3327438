import { isService, type Tree, workspaceOf } from './tree.ts';
import type { Rule } from './walls.ts';

/**
 * The layers of a service, with imports only downward:
 *
 *     main → service → routes, subscriptions → nouns
 *                    ↘ store, work ↗
 *
 * Work is what happens behind the routes: jobs, the queue that delivers them, imports, the
 * telling of changes. A file with none of these names is a noun: what the service knows.
 */
type Layer = 'main' | 'config' | 'service' | 'edge' | 'store' | 'work' | 'noun';

const NAMED: readonly (readonly [RegExp, Layer])[] = [
  [/^([^/]*-)?main\.ts$/, 'main'],
  [/^([^/]*-)?config\.ts$/, 'config'],
  [/^(service|worker)\.ts$/, 'service'],
  [/^([^/]*-)?(routes|subscriptions)\.ts$|^(routes|subscriptions)\//, 'edge'],
  [/^store\//, 'store'],
  [/^(jobs|queue|imports|changes)\//, 'work'],
];

/** What each layer may import from its own service, and what it may also import for types only. */
const DOWNWARD: Readonly<Record<Layer, { imports: readonly Layer[]; types: readonly Layer[] }>> = {
  main: { imports: ['config', 'service'], types: [] },
  config: { imports: ['config', 'noun'], types: [] },
  service: { imports: ['edge', 'store', 'work', 'noun'], types: ['config'] },
  edge: { imports: ['edge', 'noun'], types: ['store', 'work'] },
  store: { imports: ['store', 'noun'], types: [] },
  work: { imports: ['work', 'noun'], types: ['store'] },
  noun: { imports: ['noun'], types: [] },
};

/** The layer of a service's file; undefined for files that do not belong to a running service. */
export function layerOf(path: string): Layer | undefined {
  const [workspace, src, ...rest] = path.split('/');
  if (!isService(workspace!) || src !== 'src' || path.endsWith('.test.ts') || path.includes('/testing/'))
    return undefined;
  const name = rest.join('/');
  return NAMED.find(([form]) => form.test(name))?.[1] ?? 'noun';
}

export const arrowsPointDownward: Rule = ({ files }: Tree) =>
  files.flatMap((file) => {
    const layer = layerOf(file.path);
    if (!layer) return [];
    const { imports, types } = DOWNWARD[layer];
    return file.imports
      .filter((one) => one.file && workspaceOf(one.file) === workspaceOf(file.path))
      .map((one) => ({ ...one, to: layerOf(one.file!) }))
      .filter(({ to, typeOnly }) => to && !imports.includes(to) && !(typeOnly && types.includes(to)))
      .map(({ name, to }) => `${file.path} (${layer}) imports ${name} (${to})`);
  });
