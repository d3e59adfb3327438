import { layerOf } from './layers.ts';
import { packageOf, type SourceFile } from './tree.ts';
import type { Rule } from './walls.ts';

/**
 * The pure files: the nouns of every service, and these. A pure file decides and computes. It imports nothing that does I/O, and
 * gets time and randomness passed in.
 */
const PURE = [
  'catalog-service/src/imports/limits.ts',
  'catalog-service/src/imports/lines.ts',
  'shared/contracts/src/',
  'shared/events/src/data-bytes.ts',
  'shared/events/src/envelope.ts',
  'shared/event-log/src/change-store.ts',
  'shared/event-log/src/fold.ts',
  'shared/event-log/src/loggable.ts',
  'shared/event-log/src/page.ts',
  'shared/events/src/partition.ts',
  'shared/events/src/assign-positions.ts',
  'shared/events/src/position.ts',
  'shared/event-log/src/recent-events.ts',
  'shared/http-cache/src/rules/cache-control.ts',
  'shared/http-cache/src/rules/cache-key.ts',
  'shared/http-cache/src/rules/cache-status.ts',
  'shared/http-cache/src/rules/freshness.ts',
  'shared/http-cache/src/rules/headers.ts',
  'shared/http-cache/src/rules/http-date.ts',
  'shared/http-cache/src/rules/preconditions.ts',
  'shared/http-cache/src/rules/vary.ts',
  'shared/http/src/conditional/entity-tag.ts',
  'shared/http/src/conditional/preconditions.ts',
  'shared/http/src/problem.ts',
  'shared/http/src/request/request-text.ts',
  'shared/postgres/src/failure.ts',
  'shared/subscription/src/apply/reorder-buffer.ts',
  'shared/subscription/src/apply/take-in-turn.ts',
  'launcher/src/node-settings.ts',
  'shared/kafka/src/url.ts',
  'shared/kafka/src/failure.ts',
  'shared/kafka/src/message.ts',
  'shared/mongodb/src/failure.ts',
  'shared/event-log-mongodb/src/fold-document.ts',
  'shared/event-log-mongodb/src/stored.ts',
  'shared/subscription/src/sources/partition-assignment.ts',
  'launcher/src/host-in-url.ts',
  'shared/text/src/',
  'engines/src/issuer/identity.ts',
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
  'shopper-tracking-service/src/changes/change-events.ts',
  'shopper-tracking-service/src/changes/recent-changes.ts',
];

const PURE_PACKAGES = new Set(['zod', 'ipaddr.js', 'temporal-polyfill']);
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

/** A list that names a missing file would guard nothing. */
export const pureListNamesWhatExists: Rule = ({ files }) =>
  PURE.filter((one) => !files.some(({ path }) => path.startsWith(one))).map((one) => `${one} does not exist`);

const pureFiles = (files: readonly SourceFile[]) => files.filter(({ path }) => isPure(path));

/** The environment is read once, where a process begins, and passed to everything else. */
const READS_ENVIRONMENT =
  /^launcher\/|^e2e\/|^bench\/|\/testing\/|\.test\.ts$|\/(?:[^/]*-)?(?:main|config)\.ts$/;
const ENVIRONMENT =
  /\bprocess\s*\??\.\s*env\b|\bprocess\s*\[|\benv\b[^'"`;]*\bfrom\s+['"](?:node:)?process['"]/;

export const environmentIsReadAtTheEdge: Rule = ({ files }) =>
  files
    .filter(({ path, code }) => ENVIRONMENT.test(code) && !READS_ENVIRONMENT.test(path))
    .map(({ path }) => `${path} reads process.env`);
