import { readTitleOfSkipped } from './skipped-title.ts';

/** The part of jest's results that this reads; a JSON report has it too. */
export type Results = {
  readonly testResults: readonly {
    readonly testResults: readonly {
      readonly status: string;
      readonly ancestorTitles: readonly string[];
    }[];
  }[];
};

/**
 * A reporter for jest. At the end of a run it says which suites were skipped because an engine is missing, and what would
 * make them run. It writes to standard error, as jest does, because standard output may be a JSON report.
 */
export default class SkippedEngines {
  onRunComplete(_contexts: unknown, results: Results): void {
    process.stderr.write(describeSkipped(results));
  }
}

/** For each missing engine the reason, and its suites with their numbers of tests; empty if no engine was missing. */
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
  return `\nSkipped, because their engines are missing:\n${lines.join('\n')}\n`;
}
