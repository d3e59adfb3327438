import type { Pool } from '@micromart/postgres/pool';
import { type Sweep, type Sweeping, startSweeping } from '@micromart/sweeping/sweeping';

/** How long rows are kept: an idempotency key's answer for 24 hours, the mark of a commit for one. */
const LIFETIMES = [
  ['idempotency_keys', '24 hours'],
  ['event_log_commits', '1 hour'],
] as const;

/** Deletes older rows, again and again until it is closed. */
export const startSweep = (pool: Pool, onError: (error: unknown) => void): Sweeping =>
  startSweeping(
    LIFETIMES.map(([table, lifetime]) => createSweep(pool, table, lifetime)),
    { onError },
  );

/**
 * Sweeps a table by the time at which its rows were written, `at`. One of several processes sweeps, the others find nothing to
 * do. No later row has an earlier time than one that is due, so nothing is left behind.
 */
export function createSweep(pool: Pool, table: (typeof LIFETIMES)[number][0], lifetime: string): Sweep {
  return {
    table,

    async sweep(limit) {
      const { rows } = await pool.query<{ swept: number }>({
        name: `sweep_${table}`,
        text: `WITH held AS MATERIALIZED (
                 SELECT until FROM event_log_sweeps WHERE name = $1 FOR UPDATE SKIP LOCKED
               ), due AS MATERIALIZED (
                 SELECT ctid, at FROM ${table}
                 WHERE at >= (SELECT until FROM held) AND at < now() - $2::interval ORDER BY at LIMIT $3
               ), gone AS (
                 DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM due)) RETURNING 1
               ), moved AS (
                 UPDATE event_log_sweeps SET until = (SELECT max(at) FROM due)
                 WHERE name = $1 AND EXISTS (SELECT FROM due)
               )
               SELECT count(*) AS swept FROM gone`,
        values: [table, lifetime, limit],
      });
      return rows[0]!.swept;
    },

    async overdueS() {
      const { rows } = await pool.query<{ seconds: number }>({
        name: `overdue_${table}`,
        text: `SELECT extract(epoch FROM now() - $2::interval - at)::float8 AS seconds FROM ${table}
               WHERE at >= (SELECT until FROM event_log_sweeps WHERE name = $1) AND at < now() - $2::interval
               ORDER BY at LIMIT 1`,
        values: [table, lifetime],
      });
      return rows[0]?.seconds ?? 0;
    },
  };
}
