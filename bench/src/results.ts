/** What was measured last of each figure: `bench/results.json`, a figure's part replaced by each run that measures it. */
import { readFile, writeFile } from 'node:fs/promises';
import type { Row } from './figure.ts';
import type { Machine } from './machine.ts';

export type Result = {
  /** The day, as in 2026-11-22. */
  readonly date: string;
  readonly machine: Machine;
  readonly pairs: number;
  readonly rows: readonly Row[];
};

export type Results = Readonly<Record<string, Result>>;

export async function readResults(file: URL): Promise<Results> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

export async function saveResult(file: URL, figure: string, result: Result): Promise<void> {
  const results = { ...(await readResults(file)), [figure]: result };
  const sorted = Object.entries(results).sort(([a], [b]) => Number(a.slice(1)) - Number(b.slice(1)));
  await writeFile(file, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
}
