import type { ManifestContent, Tree } from './tree.ts';
import type { Rule } from './walls.ts';

/** Cycles of imports that are there when the program runs; of types alone they are harmless. */
export const noCycles: Rule = ({ files }: Tree) => {
  const next = new Map(
    files.map(({ path, imports }) => [
      path,
      imports.filter(({ file, typeOnly }) => file && !typeOnly).map(({ file }) => file!),
    ]),
  );
  const finished = new Set<string>();
  const cycles: string[] = [];

  const visit = (path: string, above: readonly string[]): void => {
    if (above.includes(path)) {
      cycles.push([...above.slice(above.indexOf(path)), path].join(' → '));
      return;
    }
    if (finished.has(path)) return;
    for (const one of next.get(path) ?? []) visit(one, [...above, path]);
    finished.add(path);
  };
  for (const path of next.keys()) visit(path, []);
  return cycles;
};

const NAMELESS = /^([^/]*-)?(utils?|helpers?|common|misc|types)$/;

/** A file or folder says what it is for. */
export const namesSayWhatFor: Rule = ({ files }) =>
  files.flatMap(({ path }) => {
    const parts = path.replace(/(\.int)?(\.test)?\.ts$/, '').split('/');
    return parts.some((part) => NAMELESS.test(part)) ? [`${path} has a name that says nothing`] : [];
  });

/** A version, or that of another package that stands in (`npm:<name>@<version>`). */
const EXACT = /^(npm:(@[^/@]+\/)?[^/@]+@)?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

/** Every outside package by its exact version; the workspaces among themselves have none. */
export const versionsAreExact: Rule = ({ manifests }) =>
  manifests.flatMap(({ folder, content }) =>
    Object.entries(versionsOf(content))
      .filter(([name, version]) => !name.startsWith('@micromart/') && !EXACT.test(version))
      .map(([name, version]) => `${folder || '.'}/package.json asks for ${name} ${version}`),
  );

const versionsOf = (content: ManifestContent): Record<string, string> => ({
  ...content.overrides,
  ...content.peerDependencies,
  ...content.optionalDependencies,
  ...content.devDependencies,
  ...content.dependencies,
});
