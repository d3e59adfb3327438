/** How fast a generation is built: noted by the instance that leads, so that every instance can say so. */
import type { Pool } from '@micromart/postgres/pool';

/** How much the latest interval counts against those before. */
const WEIGHT = 0.3;

export type Progress = {
  /** Told how many events are applied by now. */
  note(generation: string, applied: number): Promise<void>;
};

/** The rate after another interval, smoothed, in events a second. Pure. */
export function rateAfter(
  before: { readonly rate: number | undefined; readonly applied: number; readonly atMs: number },
  now: { readonly applied: number; readonly atMs: number },
): number {
  const latest = (1_000 * (now.applied - before.applied)) / Math.max(1, now.atMs - before.atMs);
  return before.rate === undefined ? latest : WEIGHT * latest + (1 - WEIGHT) * before.rate;
}

export function createProgress(pool: Pool): Progress {
  const samples = new Map<string, { rate: number | undefined; applied: number; atMs: number }>();
  return {
    async note(generation, applied) {
      const now = { applied, atMs: performance.now() };
      const before = samples.get(generation);
      const rate = before && rateAfter(before, now);
      samples.set(generation, { ...now, rate });
      if (rate !== undefined)
        await pool.query('UPDATE generations SET events_per_s = $2 WHERE name = $1', [generation, rate]);
    },
  };
}
