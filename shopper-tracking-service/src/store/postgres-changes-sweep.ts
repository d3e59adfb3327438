import type { Pool } from '@micromart/postgres/pool';
import type { Sweep } from '@micromart/sweeping/sweeping';

/** How long a listener may be away and still be told all that it missed. */
export const CHANGES_KEPT_MS = 3_600_000;

/**
 * Deletes changes that are kept no longer, in the order of their transactions and up to the first one that is not due, so that
 * nothing is missing after the oldest one. The last one that is due stays: a listener may have stood there since.
 * Transactions in progress may still write before those that have committed, so these wait for them.
 */
export function createChangesSweep(pool: Pool, now: () => Date): Sweep {
  const due = () => new Date(now().getTime() - CHANGES_KEPT_MS);

  return {
    table: 'changes',

    async sweep(limit) {
      const { rows } = await pool.query<{ found: number }>({
        name: 'sweep_changes',
        text: `WITH oldest AS MATERIALIZED (
                 SELECT xid, bool_and(at < $1) OVER (ORDER BY xid) AS due FROM changes
                 WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid LIMIT $2
               ), gone AS (
                 DELETE FROM changes WHERE xid < (SELECT max(xid) FROM oldest WHERE due)
               )
               SELECT count(*) AS found FROM oldest WHERE due`,
        values: [due(), limit],
      });
      return rows[0]!.found;
    },

    async overdueS() {
      const { rows } = await pool.query<{ at: Date }>({
        name: 'overdue_changes',
        text: `SELECT at FROM changes WHERE xid > (SELECT xid FROM changes ORDER BY xid LIMIT 1) ORDER BY xid LIMIT 1`,
      });
      const next = rows[0]?.at;
      return next ? Math.max(0, (due().getTime() - next.getTime()) / 1_000) : 0;
    },
  };
}
