import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export type LoadPlan = {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly authorization: string;
  readonly cartIds: readonly string[];
  /** Begins the idempotency keys; none are sent without it. */
  readonly keys?: string;
};

export type LoadResult = { readonly statuses: Readonly<Record<number, number>>; readonly perSecond: number };

const MAX_OUTPUT = 1_000_000;

/** Posts items into carts from a process of its own; see load-main.ts. */
export async function postLoad(plan: LoadPlan): Promise<LoadResult> {
  const main = fileURLToPath(new URL('./load-main.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [main, JSON.stringify(plan)], {
    maxBuffer: MAX_OUTPUT,
  });
  return JSON.parse(stdout);
}
