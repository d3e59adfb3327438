/**
 * The embedded databases: each process has its own login role, which cannot reach the data of another.
 *
 * By default PostgreSQL lets every role connect to every database (manual, 5.8). So that right is revoked, in the maintenance
 * databases too. A role owns only the databases that name it as owner. It cannot create roles or databases, and is a member
 * of no other role.
 */
import { openPool, type Pool } from '@micromart/postgres/pool';
import type { PasswordOf } from './passwords.ts';
import type { DatabasePlan } from './plan.ts';

/** Prepares the server as planned, and keeps what already exists. Runs at every start. */
export async function prepareDatabases(
  superuserUrl: string,
  databases: readonly DatabasePlan[],
  passwordOf: PasswordOf,
): Promise<void> {
  const pool = openPool(superuserUrl, { max: 1, name: 'launcher' });
  try {
    for (const role of new Set(databases.flatMap(({ owner, guests }) => [owner, ...guests]))) {
      await prepareRole(pool, role, passwordOf(role));
    }
    for (const database of databases) await prepareDatabase(pool, database);
    const { rows } = await pool.query<{ datname: string }>('SELECT datname FROM pg_database');
    for (const { datname } of rows) await run(pool, 'REVOKE ALL ON DATABASE %I FROM PUBLIC', datname);
  } finally {
    await pool.end();
  }
  await Promise.all(databases.map((database) => prepareSchema(superuserUrl, database)));
}

/** The URL with which a role connects to a database of the server. */
export function roleUrl(superuserUrl: string, database: string, role: string, password: string): string {
  const url = new URL(superuserUrl);
  url.username = role;
  url.password = password;
  url.pathname = `/${database}`;
  return url.href;
}

async function prepareRole(pool: Pool, role: string, password: string): Promise<void> {
  const { rowCount } = await pool.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
  if (!rowCount) await run(pool, 'CREATE ROLE %I', role);
  const attributes = 'NOSUPERUSER NOCREATEROLE NOCREATEDB NOINHERIT NOREPLICATION NOBYPASSRLS';
  await run(pool, `ALTER ROLE %I LOGIN ${attributes} PASSWORD %L`, role, password);
}

async function prepareDatabase(pool: Pool, { name, owner, guests }: DatabasePlan): Promise<void> {
  const { rowCount } = await pool.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  if (!rowCount) await run(pool, 'CREATE DATABASE %I OWNER %I', name, owner);
  await run(pool, 'ALTER DATABASE %I OWNER TO %I', name, owner);
  for (const guest of guests) await run(pool, 'GRANT CONNECT ON DATABASE %I TO %I', name, guest);
}

async function prepareSchema(superuserUrl: string, { name, owner }: DatabasePlan): Promise<void> {
  const url = new URL(superuserUrl);
  url.pathname = `/${name}`;
  const pool = openPool(url.href, { max: 1, name: 'launcher' });
  try {
    await run(pool, 'ALTER SCHEMA public OWNER TO %I', owner);
    await pool.query('REVOKE ALL ON SCHEMA public FROM PUBLIC');
  } finally {
    await pool.end();
  }
}

/** Executes a statement that takes no parameters; the server itself quotes its names (%I) and texts (%L). */
async function run(pool: Pool, template: string, ...values: string[]): Promise<void> {
  const places = values.map((_, index) => `$${index + 2}::text`).join(', ');
  const { rows } = await pool.query<{ statement: string }>(`SELECT format($1, ${places}) AS statement`, [
    template,
    ...values,
  ]);
  await pool.query(rows[0]!.statement);
}
