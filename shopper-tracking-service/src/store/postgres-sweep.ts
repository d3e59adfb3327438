import type { Pool } from '@micromart/postgres/pool';
import type { Sweep } from '@micromart/sweeping/sweeping';
import { oldestKeptMinute } from '../buckets.ts';

/**
 * Deletes minutes that are kept no longer. The key begins with the minute, so it finds them; each batch begins with the
 * minute where the last one ended, not at the entries of deleted rows, which stay in an index until it is vacuumed.
 */
export function createMinuteSweep(pool: Pool, now: () => Date): Sweep {
  let reached: Date | undefined;

  return {
    table: 'counts_by_minute',

    async sweep(limit) {
      const { rows } = await pool.query<{ swept: number; last: Date | null }>({
        name: 'sweep_minutes',
        text: `WITH due AS MATERIALIZED (
                 SELECT ctid, bucket FROM counts_by_minute
                 WHERE bucket >= coalesce($1::timestamptz, '-infinity') AND bucket < $2 ORDER BY bucket LIMIT $3
               ), gone AS (
                 DELETE FROM counts_by_minute WHERE ctid = ANY (ARRAY(SELECT ctid FROM due))
               )
               SELECT count(*) AS swept, max(bucket) AS last FROM due`,
        values: [reached ?? null, new Date(oldestKeptMinute(now().getTime())), limit],
      });
      const { swept, last } = rows[0]!;
      // What a batch left because it was being counted is found by the next round, which begins anew.
      reached = swept < limit ? undefined : (last ?? undefined);
      return swept;
    },

    async overdueS() {
      const dueMs = oldestKeptMinute(now().getTime());
      const { rows } = await pool.query<{ bucket: Date }>({
        name: 'overdue_minutes',
        text: `SELECT bucket FROM counts_by_minute
               WHERE bucket >= coalesce($1::timestamptz, '-infinity') AND bucket < $2 ORDER BY bucket LIMIT 1`,
        values: [reached ?? null, new Date(dueMs)],
      });
      return rows[0] ? (dueMs - rows[0].bucket.getTime()) / 1_000 : 0;
    },
  };
}
