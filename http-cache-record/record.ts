/** What is on record: the results of both clients, and the page made of them. */
import { readFile, writeFile } from 'node:fs/promises';
import { type RecordedRuns, renderPage } from './page.ts';
import type { Suite } from './suite.ts';

const RESULTS = new URL('./results.json', import.meta.url);
const PAGE = new URL('../docs/http-cache.md', import.meta.url);

export const readRecord = async (): Promise<RecordedRuns> => JSON.parse(await readFile(RESULTS, 'utf8'));

export const readPage = (): Promise<string> => readFile(PAGE, 'utf8');

export async function writeRecord(suites: readonly Suite[], runs: RecordedRuns): Promise<void> {
  await writeFile(RESULTS, `${JSON.stringify(runs, undefined, 2)}\n`);
  await writeFile(PAGE, renderPage(suites, runs));
}
