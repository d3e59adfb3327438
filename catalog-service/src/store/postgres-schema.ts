import { eventLogMigrations } from '@micromart/event-log-postgres/log';
import { migrate } from '@micromart/postgres/migrate';
import { type Client, inTransaction, openPool } from '@micromart/postgres/pool';

const migrations = [
  eventLogMigrations,
  { name: 'products', folder: new URL('./migrations/', import.meta.url) },
];

/** What the API may read; it may write nothing. */
const READABLE = ['event_log', 'event_log_heads', 'event_log_events', 'products'];

/** An arbitrary key. Without the lock, two workers that grant at the same moment would fail each other. */
const LOCK_KEY = 7_410_118;

/**
 * Brings the catalog's schema up to date. If the API has its own role, grants it what it reads, and revokes whatever else it
 * was granted before.
 */
export async function prepareSchema(url: string, apiRole: string | undefined): Promise<void> {
  await migrate(url, migrations);
  if (apiRole === undefined) return;
  const pool = openPool(url, { max: 1, name: 'grant' });
  try {
    await inTransaction(pool, (client) => grantReading(client, apiRole));
  } finally {
    await pool.end();
  }
}

async function grantReading(client: Client, apiRole: string): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK_KEY]);
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [apiRole]);
  if (!rowCount) {
    throw new Error(
      `API_ROLE names ${apiRole}, which is no role on the server of STORE_URL: create it first.`,
    );
  }
  const role = client.escapeIdentifier(apiRole);
  await client.query(`REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${role}`);
  await client.query(`GRANT USAGE ON SCHEMA public TO ${role}`);
  await client.query(`GRANT SELECT ON ${READABLE.join(', ')} TO ${role}`);
}
