import type { Pool } from '@micromart/shared/postgres/pool';
import { oldestKeptMinute } from '../buckets.ts';

const EVERY_MS = 60_000;
const MAX_ROWS = 10_000;

/** Deletes minutes that are no longer kept, a bounded number of rows at a time. */
export function startSweep(pool: Pool, onError: (error: unknown) => void): { close(): void } {
  const timer = setInterval(() => void sweepMinutes(pool, new Date()).catch(onError), EVERY_MS);
  timer.unref();
  return { close: () => clearInterval(timer) };
}

/** Sweeps once; gives the number of rows deleted. */
export async function sweepMinutes(pool: Pool, now: Date): Promise<number> {
  const { rowCount } = await pool.query(
    `DELETE FROM counts_by_minute WHERE (bucket, product_id) IN (
       SELECT bucket, product_id FROM counts_by_minute WHERE bucket < $1 LIMIT ${MAX_ROWS})`,
    [new Date(oldestKeptMinute(now.getTime()))],
  );
  return rowCount ?? 0;
}
