import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { LoadResult } from './post-load.ts';

export type Get = { readonly path: string; readonly headers: Readonly<Record<string, string>> };

export type GetPlan = {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly gets: readonly Get[];
};

const MAX_OUTPUT = 1_000_000;

/** Asks the same questions again and again from a process of its own; see get-main.ts. */
export async function getLoad(plan: GetPlan): Promise<LoadResult> {
  const main = fileURLToPath(new URL('./get-main.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [main, JSON.stringify(plan)], {
    maxBuffer: MAX_OUTPUT,
  });
  return JSON.parse(stdout);
}
