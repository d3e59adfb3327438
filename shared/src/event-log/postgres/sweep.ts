import type { Pool } from '../../postgres/pool.ts';

const EVERY_MS = 60_000;
const MAX_ROWS = 10_000;

/** What is kept for a while only: an idempotency key's answer for 24 hours, the marks of commits for one. */
const SWEEPS = [
  ['idempotency_keys', '24 hours'],
  ['event_log_commits', '1 hour'],
] as const;

/** Deletes what has been kept for long enough, every minute and a bounded number of rows at a time. */
export function startSweep(pool: Pool, onError: (error: unknown) => void): { close(): void } {
  const timer = setInterval(() => void sweep(pool).catch(onError), EVERY_MS);
  timer.unref();
  return { close: () => clearInterval(timer) };
}

/** Sweeps once; gives the number of rows deleted. */
export async function sweep(pool: Pool): Promise<number> {
  let deleted = 0;
  for (const [table, kept] of SWEEPS) {
    const { rowCount } = await pool.query(
      `DELETE FROM ${table} WHERE ctid IN (
         SELECT ctid FROM ${table} WHERE at < now() - $1::interval LIMIT ${MAX_ROWS} FOR UPDATE SKIP LOCKED)`,
      [kept],
    );
    deleted += rowCount ?? 0;
  }
  return deleted;
}
