import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EmbeddedServer } from '@micromart/engines/postgres/server';
import { openPool, type Pool } from '@micromart/postgres/pool';
import { startTestServer } from '@micromart/testing/embedded-run';
import { prepareDatabases, roleUrl } from './databases.ts';
import { createPlan } from './plan.ts';
import { SYSTEM } from './system.ts';

const settings = { portBase: 4_000, dataDir: '/data', host: '127.0.0.1' };
const databases = createPlan(SYSTEM, settings, {}).postgres!.databases;
const roles = [...new Set(databases.flatMap(({ owner, guests }) => [owner, ...guests]))];
const passwordOf = (role: string) => `password of ${role}`;

/** Every role with every database, and its rights there. */
const pairs = databases.flatMap(({ name, owner, guests }) =>
  roles.map((role) => ({
    role,
    name,
    is: role === owner ? 'owner' : guests.includes(role) ? 'guest' : 'stranger',
  })),
);
const those = (is: string) => pairs.filter((pair) => pair.is === is);

/** A database that the role may connect to. */
const databaseOf = (role: string): string =>
  databases.find(({ owner, guests }) => owner === role || guests.includes(role))!.name;

const PERMISSION_DENIED = { code: '42501' };

/** A server of its own, because preparing it changes all of its databases. */
let server: EmbeddedServer;

const withPool = async <T>(role: string, database: string, work: (pool: Pool) => Promise<T>): Promise<T> => {
  const pool = openPool(roleUrl(server.url, database, role, passwordOf(role)), { max: 1, name: 'test' });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
};
const query = (role: string, database: string, text: string) =>
  withPool(role, database, async (pool) => (await pool.query(text)).rows);

beforeAll(async () => {
  server = await startTestServer();
  await prepareDatabases(server.url, databases, passwordOf);
  for (const { name, owner } of databases) {
    await query(owner, name, 'CREATE TABLE goods (n int); INSERT INTO goods VALUES (7)');
  }
});

afterAll(() => server.stop());

test.each(those('owner'))('$role reads, writes and alters its own database $name', async ({ role, name }) => {
  await query(role, name, 'CREATE SCHEMA more; CREATE TABLE more.t (n int); DROP SCHEMA more CASCADE');
  await query(role, name, 'UPDATE goods SET n = 8; UPDATE goods SET n = 7');
  expect(await query(role, name, 'SELECT n FROM goods')).toEqual([{ n: 7 }]);
});

test.each(those('stranger'))('$role cannot connect to the database $name', async ({ role, name }) => {
  await expect(query(role, name, 'SELECT 1')).rejects.toMatchObject(PERMISSION_DENIED);
});

test.each(those('guest'))('$role connects to $name as a guest without any rights', async ({ role, name }) => {
  expect(await query(role, name, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  for (const text of [
    'SELECT n FROM public.goods',
    'INSERT INTO public.goods VALUES (1)',
    'UPDATE public.goods SET n = 1',
    'DELETE FROM public.goods',
    'TRUNCATE public.goods',
    'DROP TABLE public.goods',
    'CREATE TABLE public.mine (n int)',
    'CREATE SCHEMA mine',
    'CREATE TEMP TABLE mine (n int)',
  ]) {
    await expect(query(role, name, text)).rejects.toMatchObject(PERMISSION_DENIED);
  }
});

describe.each(roles)('the role %s', (role) => {
  const own = databaseOf(role);
  const others = roles.filter((other) => other !== role);

  test.each(['postgres', 'template1', 'template0'])('cannot connect to %s', async (database) => {
    await expect(query(role, database, 'SELECT 1')).rejects.toMatchObject({
      code: expect.stringMatching(/^(42501|55000)$/),
    });
  });

  test('cannot gain rights', async () => {
    for (const text of [
      'CREATE ROLE another',
      'CREATE DATABASE another',
      `ALTER ROLE ${role} SUPERUSER`,
      `ALTER ROLE ${role} CREATEROLE`,
      `ALTER ROLE ${role} BYPASSRLS`,
      'SET ROLE postgres',
      'SET SESSION AUTHORIZATION postgres',
      `GRANT postgres TO ${role}`,
      `GRANT pg_read_all_data TO ${role}`,
      'ALTER ROLE postgres PASSWORD NULL',
      "ALTER SYSTEM SET work_mem = '1MB'",
    ]) {
      await expect(query(role, own, text)).rejects.toMatchObject(PERMISSION_DENIED);
    }
  });

  test("cannot read passwords, or the server's files, or run its programs", async () => {
    for (const text of [
      'SELECT rolpassword FROM pg_authid',
      'SELECT passwd FROM pg_shadow',
      "SELECT pg_read_file('postgresql.conf')",
      "SELECT pg_ls_dir('.')",
      "COPY (SELECT 1) TO PROGRAM 'cat'",
      "COPY (SELECT 1) TO '/tmp/out'",
      "SELECT lo_import('/etc/passwd')",
    ]) {
      await expect(query(role, own, text)).rejects.toMatchObject(PERMISSION_DENIED);
    }
  });

  test.each(others)('cannot act as %s', async (other) => {
    await expect(query(role, own, `SET ROLE ${other}`)).rejects.toMatchObject(PERMISSION_DENIED);
    await expect(query(role, own, `GRANT ${other} TO ${role}`)).rejects.toMatchObject(PERMISSION_DENIED);
    await expect(query(role, own, `ALTER ROLE ${other} PASSWORD 'mine'`)).rejects.toMatchObject(
      PERMISSION_DENIED,
    );
  });

  test('cannot see the statements of others', async () => {
    await withPool(others[0]!, databaseOf(others[0]!), async (pool) => {
      await pool.query("SELECT 'a secret'");
      const seen = await query(
        role,
        own,
        `SELECT query FROM pg_stat_activity WHERE usename = '${others[0]}'`,
      );
      expect(seen).toContainEqual({ query: '<insufficient privilege>' });
      expect(JSON.stringify(seen)).not.toContain('a secret');
    });
  });
});

test('may be prepared again, and keeps its data', async () => {
  await prepareDatabases(server.url, databases, passwordOf);
  for (const { name, owner } of databases) {
    expect(await query(owner, name, 'SELECT n FROM goods')).toEqual([{ n: 7 }]);
  }
});

test('revokes a right that was granted by hand', async () => {
  const outsider = those('stranger').find(({ name }) => name === databases[0]!.name)!.role;
  const superuser = openPool(server.url, { max: 1, name: 'test' });
  await superuser.query(`GRANT CONNECT ON DATABASE ${databases[0]!.name} TO PUBLIC`);
  await superuser.end();
  await prepareDatabases(server.url, databases, passwordOf);
  await expect(query(outsider, databases[0]!.name, 'SELECT 1')).rejects.toMatchObject(PERMISSION_DENIED);
});
