import { randomBytes } from 'node:crypto';
import { openPool } from '@micromart/postgres/pool';
import pg from 'pg';

const SUPERUSER_CONNECTIONS = 2;

export type TestDatabase = {
  /** The owner's URL: a role that may log in, owns this database, and has no other rights. */
  readonly url: string;
  /** Connections to this database as its owner, to inspect and manipulate it; opened when first used. */
  readonly admin: pg.Pool;
  /** Creates another role, which may connect to this database and has only the rights that it is granted. */
  openGuest(): Promise<{ readonly role: string; readonly url: string }>;
  close(): Promise<void>;
};

/**
 * Opens a new, empty database on the run's server, or on `server`, a superuser's URL. `close` drops it, even if it still has
 * connections. On the run's server other suites' transactions come and go, which snapshots show (`pg_snapshot_xmin`).
 */
export async function openTestDatabase(server = runServerUrl()): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  await asSuperuser(server, async (client) => {
    await client.query(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
    await client.query(`CREATE DATABASE ${name} OWNER ${name} STRATEGY wal_log`);
  });
  const url = roleUrl(server, name, name, password);
  const guests: string[] = [];
  const admin = openPool(url, { max: SUPERUSER_CONNECTIONS, name: 'test' });
  return {
    url,
    admin,
    openGuest: async () => {
      const role = `${name}_guest${guests.length + 1}`;
      await asSuperuser(server, (client) => client.query(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`));
      guests.push(role);
      return { role, url: roleUrl(server, name, role, password) };
    },
    close: async () => {
      await admin.end();
      await asSuperuser(server, async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
        await client.query(`DROP ROLE IF EXISTS ${[name, ...guests].join(', ')}`);
      });
    },
  };
}

function runServerUrl(): string {
  const url = process.env.TEST_POSTGRES_URL;
  if (!url)
    throw new Error('TEST_POSTGRES_URL is not set; run the tests with npm test, whose set-up sets it');
  return url;
}

function roleUrl(server: string, database: string, role: string, password: string): string {
  const url = new URL(server);
  url.username = role;
  url.password = password;
  url.pathname = `/${database}`;
  return url.href;
}

async function asSuperuser(server: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: server, application_name: 'test set-up' });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
