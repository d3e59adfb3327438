import type { Pool } from '@micromart/postgres/pool';
import type { Sweep } from '@micromart/sweeping/sweeping';

/** How long a job is stored after its end, and then its id alone. After that a request for it gets a 404. */
const JOB_KEPT = '30 days';
const GONE_KEPT = '90 days';

/** What is deleted of the jobs. Rows in use are left for the next batch. */
export const jobSweeps = (pool: Pool): readonly Sweep[] => [
  {
    table: 'jobs',
    async sweep(limit) {
      const { rowCount } = await pool.query(
        `WITH old AS (
           DELETE FROM jobs WHERE number IN (
             SELECT number FROM jobs WHERE finished_at < now() - $1::interval
             ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED)
           RETURNING id)
         INSERT INTO jobs_gone (id) SELECT id FROM old`,
        [JOB_KEPT, limit],
      );
      return rowCount ?? 0;
    },
    overdueS: () => overdueS(pool, 'jobs', 'finished_at', JOB_KEPT),
  },
  {
    table: 'jobs_gone',
    async sweep(limit) {
      const { rowCount } = await pool.query(
        `DELETE FROM jobs_gone WHERE id IN (
           SELECT id FROM jobs_gone WHERE at < now() - $1::interval ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)`,
        [GONE_KEPT, limit],
      );
      return rowCount ?? 0;
    },
    overdueS: () => overdueS(pool, 'jobs_gone', 'at', GONE_KEPT),
  },
];

async function overdueS(pool: Pool, table: string, column: string, kept: string): Promise<number> {
  const { rows } = await pool.query<{ seconds: number }>(
    `SELECT extract(epoch FROM now() - $1::interval - ${column})::float8 AS seconds FROM ${table}
     WHERE ${column} < now() - $1::interval ORDER BY ${column} LIMIT 1`,
    [kept],
  );
  return rows[0]?.seconds ?? 0;
}
