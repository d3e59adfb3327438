import { readTitleOfSkipped } from './skipped-title.ts';

/** What this needs of jest's results; those of a JSON report have it too. */
export type Results = {
  readonly testResults: readonly {
    readonly testResults: readonly {
      readonly status: string;
      readonly ancestorTitles: readonly string[];
    }[];
  }[];
};

/**
 * A reporter of jest's: says at the end of a run which suites were skipped for want of an engine, and what would make them
 * run. On standard error, where jest reports too, for standard output may be the JSON report's.
 */
export default class SkippedEngines {
  onRunComplete(_contexts: unknown, results: Results): void {
    process.stderr.write(describeSkipped(results));
  }
}

/** For each engine that was missed why it was, and its suites with their numbers of tests; empty where none was. */
export function describeSkipped({ testResults }: Results): string {
  const skipped = testResults
    .flatMap((file) => file.testResults)
    .filter(({ status }) => status === 'pending')
    .flatMap(({ ancestorTitles: [suite = ''] }) => readTitleOfSkipped(suite) ?? []);
  const engines = Map.groupBy(skipped, ({ engine, whyNot }) => `${engine}: ${whyNot}`);
  if (engines.size === 0) return '';
  const lines = [...engines].flatMap(([engine, tests]) => {
    const suites = [...Map.groupBy(tests, ({ title }) => title)];
    return [`  ${engine}`, `    ${suites.map(([title, own]) => `${title} (${own.length})`).join(', ')}`];
  });
  return `\nSkipped, for what they run on is not here:\n${lines.join('\n')}\n`;
}
