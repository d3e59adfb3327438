import { expect, test } from '@jest/globals';
import pg from 'pg';
import { openTestDatabase } from './postgres.ts';

test('opens separate databases and drops them with their roles', async () => {
  const one = await openTestDatabase();
  const other = await openTestDatabase();
  try {
    await one.admin.query('CREATE TABLE t (n int)');
    await expect(other.admin.query('SELECT * FROM t')).rejects.toMatchObject({ code: '42P01' });
    const { rows } = await other.admin.query('SELECT rolsuper FROM pg_roles WHERE rolname = current_user');
    expect(rows).toEqual([{ rolsuper: false }]);
  } finally {
    await other.close();
    await one.close();
  }
  await expect(new pg.Client(one.url).connect()).rejects.toMatchObject({ code: '28P01' });
});

test('drops a database that still has connections', async () => {
  const database = await openTestDatabase();
  const client = new pg.Client(database.url);
  const cut = new Promise<Error>((done) => client.on('error', done));
  await client.connect();
  await database.close();
  expect(await cut).toMatchObject({ code: '57P01' });
});
