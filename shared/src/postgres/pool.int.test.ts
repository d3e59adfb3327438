import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openTestDatabase, type TestDatabase } from '../testing/postgres.ts';
import { inOneTrip, openPool, type Pool, type Statement } from './pool.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await openTestDatabase();
  pool = openPool(database.url, { max: 1, name: 'test' });
  await pool.query('CREATE TABLE numbers (n int PRIMARY KEY CHECK (n > 0))');
});
afterAll(async () => {
  await pool.end();
  await database.close();
});
beforeEach(() => pool.query('TRUNCATE numbers'));

const insert = (n: number): Statement => ({
  name: 'insert',
  text: 'INSERT INTO numbers VALUES ($1)',
  values: [n],
});
const stored = async () =>
  (await pool.query<{ n: number }>('SELECT n FROM numbers ORDER BY n')).rows.map(({ n }) => n);

describe('a transaction in one trip', () => {
  test('does all of its statements, in order', async () => {
    await inOneTrip(pool, [insert(1), { text: 'UPDATE numbers SET n = n + $1', values: [1] }, insert(1)]);
    expect(await stored()).toEqual([1, 2]);
  });

  test('does none of them when one fails, says why that one did, and leaves the connection fit for use', async () => {
    await expect(inOneTrip(pool, [insert(1), insert(-1), insert(1)])).rejects.toMatchObject({
      code: '23514',
    });
    expect(await stored()).toEqual([]);
    await inOneTrip(pool, [insert(2)]);
    expect(await stored()).toEqual([2]);
  });

  test('does none of them when the driver would not send one of them', async () => {
    const clash: Statement = { ...insert(2), text: 'INSERT INTO numbers VALUES ($1 + 1)' };
    await expect(inOneTrip(pool, [insert(1), clash, insert(3)])).rejects.toThrow(/must be unique/);
    expect(await stored()).toEqual([]);
    await inOneTrip(pool, [insert(2)]);
    expect(await stored()).toEqual([2]);
  });

  test('would be done without what the driver did not send, were its commit sent at once', async () => {
    const client = await pool.connect();
    const clash = { ...insert(2), text: 'INSERT INTO numbers VALUES ($1 + 1)', values: [2] };
    const sent = [client.query('BEGIN'), client.query({ ...insert(1), values: [1] }), client.query(clash)];
    await Promise.allSettled([...sent, client.query('COMMIT')]);
    client.release();
    expect(await stored()).toEqual([1]);
  });
});
