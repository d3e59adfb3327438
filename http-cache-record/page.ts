/** The page `docs/http-cache.md`, from what the runs gave. */
import { REASONS, SUITE_REASONS } from './reasons.ts';
import type { Results } from './run.ts';
import { type Kind, kindOf, type Suite, type SuiteTest } from './suite.ts';

export type RecordedRuns = { readonly ours: Results; readonly undici: Results };

const INTRODUCTION = `# The HTTP cache's record

What the caching client of \`shared/http-cache/src/caching-client.ts\` does in each test of
[http-tests/cache-tests](https://github.com/http-tests/cache-tests) (npm \`http-cache-tests\` 0.4.5), run as a private
cache, with the reason for each test that it does not pass. Beside it the cache of undici 8.12.4, measured in the same way.
It is not a conformance suite: some of its tests ask for what RFC 9111 leaves open, or for what only shared caches do.

This page is written by \`node_modules/.bin/node http-cache-record/main.ts\`, from a run of a minute. A test runs the suite again and
compares: nothing that passed may stop passing.
`;

const KINDS: readonly (readonly [Kind, string])[] = [
  ['required', 'must'],
  ['optimal', 'should'],
  ['check', 'may'],
];

/** Why a test is not passed; undefined when nobody has said so yet. */
export const reasonFor = (suite: Suite, { id }: SuiteTest): string | undefined =>
  REASONS[id] ?? SUITE_REASONS[suite.id];

export function renderPage(suites: readonly Suite[], runs: RecordedRuns): string {
  return [INTRODUCTION, summary(suites, runs), ...suites.map((suite) => section(suite, runs))].join('\n');
}

function summary(suites: readonly Suite[], { ours, undici }: RecordedRuns): string {
  const rows = KINDS.map(([kind, word]) => {
    const ids = suites.flatMap(({ tests }) =>
      tests.filter((one) => kindOf(one) === kind).map(({ id }) => id),
    );
    const passed = (results: Results) => ids.filter((id) => results[id]).length;
    return `| ${word} | ${ids.length} | ${passed(ours)} | ${passed(undici)} |`;
  });
  return `| a cache … | tests | ours | undici |
|---|---|---|---|
${rows.join('\n')}

"May" asks only whether a cache does something: a yes is no merit in itself, nor is a no a fault.
`;
}

function section(suite: Suite, { ours, undici }: RecordedRuns): string {
  const rows = suite.tests.map((test) => {
    const word = KINDS.find(([kind]) => kind === kindOf(test))![1];
    const reason = ours[test.id] ? '' : (reasonFor(suite, test) ?? '**no reason given**');
    return `| ${nameOf(test)} | ${word} | ${mark(ours[test.id])} | ${mark(undici[test.id])} | ${reason} |`;
  });
  return `## ${suite.name}

| test | | ours | undici | why not |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

const mark = (passed: boolean | undefined): string => (passed ? '✓' : '–');

/** Links to addresses that have moved, and marks of a table, left out. */
const nameOf = ({ name }: SuiteTest): string =>
  name
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll('|', '\\|')
    .trim();
