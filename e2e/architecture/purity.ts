import { layerOf } from './layers.ts';
import { packageOf, type SourceFile } from './tree.ts';
import type { Rule } from './walls.ts';

/**
 * What is pure: the nouns of every service, and these of the others. A pure file decides and computes; it imports nothing
 * that does I/O, and is told the time and what chance brings.
 */
const PURE = [
  'catalog-service/src/imports/limits.ts',
  'catalog-service/src/imports/lines.ts',
  'shared/src/contracts/',
  'shared/src/event-log/change-store.ts',
  'shared/src/event-log/fold.ts',
  'shared/src/event-log/loggable.ts',
  'shared/src/event-log/partition.ts',
  'shared/src/event-log/place.ts',
  'shared/src/event-log/position.ts',
  'shared/src/event-log/tail.ts',
  'shared/src/http/cache/cache-control.ts',
  'shared/src/http/cache/cache-key.ts',
  'shared/src/http/cache/cache-status.ts',
  'shared/src/http/cache/freshness.ts',
  'shared/src/http/cache/headers.ts',
  'shared/src/http/cache/http-date.ts',
  'shared/src/http/cache/preconditions.ts',
  'shared/src/http/cache/vary.ts',
  'shared/src/http/conditional.ts',
  'shared/src/http/preconditions.ts',
  'shared/src/http/problem.ts',
  'shared/src/http/request-text.ts',
  'shared/src/postgres/failure.ts',
  'shared/src/subscription/intake.ts',
  'launcher/src/node-settings.ts',
  'shared/src/kafka/url.ts',
  'shared/src/kafka/failure.ts',
  'shared/src/kafka/message.ts',
  'shared/src/mongodb/failure.ts',
  'shared/src/event-log/mongodb/fold-document.ts',
  'shared/src/event-log/mongodb/stored.ts',
  'shared/src/subscription/share.ts',
  'shared/src/text/',
  'launcher/src/host-in-url.ts',
  'launcher/src/plan.ts',
  'launcher/src/system.ts',
  'demo/src/arguments.ts',
  'demo/src/compare.ts',
  'demo/src/draws.ts',
  'demo/src/expected.ts',
  'demo/src/plan.ts',
  'demo/src/positions.ts',
  'demo/src/report.ts',
  'demo/src/time-left.ts',
  'demo/src/verdict.ts',
];

const PURE_PACKAGES = new Set(['zod', 'ipaddr.js']);
const PURE_NODE_MODULES = new Set([
  'node:assert',
  'node:crypto',
  'node:path',
  'node:path/posix',
  'node:url',
  'node:util',
]);

const isPure = (path: string): boolean =>
  !path.endsWith('.test.ts') &&
  (layerOf(path) === 'noun' || PURE.some((one) => (one.endsWith('/') ? path.startsWith(one) : path === one)));

export const pureFilesImportOnlyPureOnes: Rule = ({ files }) =>
  pureFiles(files).flatMap((file) =>
    file.imports
      .filter(({ typeOnly }) => !typeOnly)
      .filter((one) => {
        if (one.file) return !isPure(one.file);
        const name = packageOf(one);
        return name ? !PURE_PACKAGES.has(name) : !PURE_NODE_MODULES.has(one.name);
      })
      .map(({ name }) => `${file.path} imports ${name}`),
  );

const IMPURE =
  /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\bfetch\(|\bset(?:Timeout|Interval|Immediate)\(|\bprocess\./;

export const pureFilesAskNoClockAndNoChance: Rule = ({ files }) =>
  pureFiles(files).flatMap(({ path, code }) => {
    const found = IMPURE.exec(code);
    return found ? [`${path} uses ${found[0]}`] : [];
  });

/** A list that names a file which is not there any more would guard nothing. */
export const pureListNamesWhatExists: Rule = ({ files }) =>
  PURE.filter((one) => !files.some(({ path }) => path.startsWith(one))).map((one) => `${one} does not exist`);

const pureFiles = (files: readonly SourceFile[]) => files.filter(({ path }) => isPure(path));

/** The environment is read once, where a process begins; everything else is told. */
const READS_ENVIRONMENT =
  /^launcher\/|^e2e\/|^bench\/|\/testing\/|\.test\.ts$|\/(?:[^/]*-)?(?:main|config)\.ts$/;
const ENVIRONMENT =
  /\bprocess\s*\??\.\s*env\b|\bprocess\s*\[|\benv\b[^'"`;]*\bfrom\s+['"](?:node:)?process['"]/;

export const environmentIsReadAtTheEdge: Rule = ({ files }) =>
  files
    .filter(({ path, code }) => ENVIRONMENT.test(code) && !READS_ENVIRONMENT.test(path))
    .map(({ path }) => `${path} reads process.env`);
