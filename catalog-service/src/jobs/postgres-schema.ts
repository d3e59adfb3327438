import { migrate } from '@micromart/postgres/migrate';
import { inTransaction, type Pool } from '@micromart/postgres/pool';
import { sendingGrants } from '../queue/pg-boss.ts';

const migrations = [{ name: 'jobs', folder: new URL('./migrations/', import.meta.url) }];

/** An arbitrary key. Without the lock, two workers that grant at the same moment would fail each other. */
const LOCK_KEY = 7_410_119;

/** Brings the jobs' schema up to date; the queue's own schema belongs to its library. */
export const migrateJobs = (url: string): Promise<void> => migrate(url, migrations);

/**
 * Grants the API's role what it needs: to see jobs, to accept them (their request, never their result), to cancel them, and
 * to send deliveries.
 */
export const grantAccepting = (pool: Pool, apiRole: string): Promise<void> =>
  inTransaction(pool, async (client) => {
    const role = client.escapeIdentifier(apiRole);
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK_KEY]);
    await client.query(`
      GRANT USAGE ON SCHEMA public TO ${role};
      GRANT SELECT, INSERT (id, request, subject, traceparent, delivery) ON jobs TO ${role};
      GRANT SELECT ON jobs_gone TO ${role};
      GRANT EXECUTE ON FUNCTION cancel_job(uuid) TO ${role};
      ${sendingGrants(role)}`);
  });
