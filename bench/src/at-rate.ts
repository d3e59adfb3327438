import { setTimeout as sleep } from 'node:timers/promises';

const TICK_MS = 2;

/** What was found at an even rate. */
export type Latencies = { readonly perSecond: number; readonly latenciesMs: readonly number[] };

/** Measures at a rate, for as long as its maker was told. */
export type MeasureAt = (perSecond: number) => Promise<Latencies>;

/**
 * Starts pieces of work at an even rate, whether or not earlier ones are done, at most `width` at a time (what would be
 * more is started late); comes back when all have ended. `work` gets a number, from 0.
 */
export async function atRate(
  { perSecond, seconds, width }: { perSecond: number; seconds: number; width: number },
  work: (n: number) => Promise<unknown>,
): Promise<void> {
  const total = Math.floor(perSecond * seconds);
  const startedMs = performance.now();
  const under = new Set<Promise<unknown>>();
  for (let n = 0; n < total; ) {
    const due = Math.min(total, Math.ceil(((performance.now() - startedMs) * perSecond) / 1_000));
    while (n < due && under.size < width) {
      const one = work(n).finally(() => under.delete(one));
      under.add(one);
      n += 1;
    }
    await sleep(TICK_MS);
  }
  await Promise.all(under);
}
