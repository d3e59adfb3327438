import { isForTests, type ManifestContent, type Tree } from './tree.ts';
import type { Rule } from './walls.ts';

/** No cycles of imports, not even of types: a reader of one of these files would have to read all of them. */
export const noCycles: Rule = ({ files }: Tree) => {
  const next = new Map(
    files.map(({ path, imports }) => [path, imports.filter(({ file }) => file).map(({ file }) => file!)]),
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

const MAX_LINES = 250;

/** A file has one job; a longer file has two. */
export const filesAreShort: Rule = ({ files }) =>
  files
    .filter(({ path, lines }) => !isForTests(path) && lines > MAX_LINES)
    .map(({ path, lines }) => `${path} has ${lines} lines, more than ${MAX_LINES}`);

/** Names of files, without endings, and of exports that gave way to the field's own words. */
const REPLACED_FILES =
  /^(answer-memory|answers|bell|consult|cursor|drain|intake|kept|lane|line|log-reader|look|mark|noting|offers|persevere|place|setback|standing|tail|trip|use-order|waiting-notes|way)$/;
const REPLACED_EXPORTS =
  /\bexport (?:async )?(?:const|function|type) ((?:create|open)?(?:Bell|Intake|Lane|Line|Mark|Noting|Standing|Tail|Trip|Way)|inOneTrip|persevere|BatchPlace|PlacedEvent|createPlacer|createTurns|textList|documentList|carryOutAll|lead|readStanding|createWay|createDrain|createFill|createPlace|createShare|createLook|createNoting|bornAs|createAnswerMemory|createUseOrder|judgeAnswer|mayBeKept|EventRoute|PartitionStanding|(?:create)?WaitingNotes)\b/;

export const replacedNamesStayAway: Rule = ({ files }) =>
  files
    .filter(({ path }) => path.startsWith('shared/'))
    .flatMap(({ path, code }) => {
      const name = path
        .split('/')
        .at(-1)!
        .replace(/(\.control)?(\.int)?(\.test|\.contract)?\.ts$/, '');
      const exported = REPLACED_EXPORTS.exec(code)?.[1];
      return [...(REPLACED_FILES.test(name) ? [name] : []), ...(exported ? [exported] : [])].map(
        (one) => `${path} brings back ${one}`,
      );
    });

const NAMELESS = /^([^/]*-)?(utils?|helpers?|common|misc|types)$/;

/** The name of a file or folder says what it is for. */
export const namesSayWhatFor: Rule = ({ files }) =>
  files.flatMap(({ path }) => {
    const parts = path.replace(/(\.int)?(\.test)?\.ts$/, '').split('/');
    return parts.some((part) => NAMELESS.test(part)) ? [`${path} has a name that says nothing`] : [];
  });

/** A version, or that of another package that replaces it (`npm:<name>@<version>`). */
const EXACT = /^(npm:(@[^/@]+\/)?[^/@]+@)?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

/** External packages have exact versions; workspaces have none among themselves. */
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
