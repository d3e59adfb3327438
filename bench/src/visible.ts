import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export type VisiblePlan = {
  readonly host: string;
  readonly cartPort: number;
  readonly trackingPort: number;
  readonly shopper: string;
  readonly business: string;
  readonly cartIds: readonly string[];
  readonly perSecond: number;
  readonly seconds: number;
};

export type VisibleResult = { readonly posted: number; readonly latenciesMs: readonly number[] };

const MAX_OUTPUT = 10_000_000;

/** Measures from a process of its own when counters show what was posted; see visible-main.ts. */
export async function measureVisible(plan: VisiblePlan): Promise<VisibleResult> {
  const main = fileURLToPath(new URL('./visible-main.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [main, JSON.stringify(plan)], {
    maxBuffer: MAX_OUTPUT,
  });
  return JSON.parse(stdout);
}
