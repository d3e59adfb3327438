/** Renders the page `docs/http-cache.md` from the recorded runs. */
import { REASONS, SUITE_REASONS } from './reasons.ts';
import type { Results } from './run.ts';
import { type Kind, kindOf, type Suite, type SuiteTest } from './suite.ts';

export type RecordedRuns = { readonly ours: Results; readonly undici: Results };

const INTRODUCTION = `# The HTTP cache's record

What the caching client of \`shared/http-cache/src/caching-client.ts\` does in each test of
[http-tests/cache-tests](https://github.com/http-tests/cache-tests) (npm \`http-cache-tests\` 0.4.5), run as a private
cache, with the reason for each test that it does not pass, and the results of undici 8.12.4's cache from the same run. It is not a
conformance suite: some tests demand what RFC 9111 leaves open, or what only shared caches do.

\`node_modules/.bin/node http-cache-record/main.ts\` writes this page, in about a minute. A test runs the suite again and fails if
a test that passed does not pass any more.
`;

const KINDS: readonly (readonly [Kind, string])[] = [
  ['required', 'must'],
  ['optimal', 'should'],
  ['check', 'may'],
];

/** Why a test does not pass; undefined if no reason is recorded. */
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

"May" only records whether a cache does something; neither yes nor no is better.
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

/** The name without links, whose targets have moved, and with escaped table separators. */
const nameOf = ({ name }: SuiteTest): string =>
  name
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll('|', '\\|')
    .trim();
