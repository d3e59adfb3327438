import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { inPipelinedTransaction, openPool, type Pool } from './pool.ts';
import { execute, type Statement } from './statement.ts';

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

describe('a pipelined transaction', () => {
  test('executes all of its statements, in order', async () => {
    await inPipelinedTransaction(pool, [
      insert(1),
      { text: 'UPDATE numbers SET n = n + $1', values: [1] },
      insert(1),
    ]);
    expect(await stored()).toEqual([1, 2]);
  });

  test('writes nothing when one fails, throws the error of that one, and leaves the connection usable', async () => {
    await expect(inPipelinedTransaction(pool, [insert(1), insert(-1), insert(1)])).rejects.toMatchObject({
      code: '23514',
    });
    expect(await stored()).toEqual([]);
    await inPipelinedTransaction(pool, [insert(2)]);
    expect(await stored()).toEqual([2]);
  });

  test('leaves the pool usable when the pipeline that prepares statements fails', async () => {
    const fresh = openPool(database.url, { max: 1, name: 'test' });
    await expect(inPipelinedTransaction(fresh, [insert(-1), insert(1)])).rejects.toMatchObject({
      code: '23514',
    });
    await inPipelinedTransaction(fresh, [insert(1)]);
    await inPipelinedTransaction(fresh, [insert(2)]);
    await fresh.end();
    expect(await stored()).toEqual([1, 2]);
  });

  test('writes nothing when a name is used for two statements', async () => {
    const clash: Statement = { ...insert(2), text: 'INSERT INTO numbers VALUES ($1 + 1)' };
    const fresh = openPool(database.url, { max: 1, name: 'test' });
    for (const asked of [pool, fresh])
      await expect(inPipelinedTransaction(asked, [insert(1), clash, insert(3)])).rejects.toThrow(
        /is already used for another/,
      );
    expect(await stored()).toEqual([]);
    await inPipelinedTransaction(fresh, [insert(2)]);
    await fresh.end();
    expect(await stored()).toEqual([2]);
  });

  test('may contain statements that the driver has prepared before', async () => {
    const client = await pool.connect();
    await execute(client, insert(1));
    client.release();
    await inPipelinedTransaction(pool, [insert(2)]);
    expect(await stored()).toEqual([1, 2]);
  });

  test('sends every kind of value', async () => {
    await pool.query('CREATE TEMP TABLE kinds (a int, b text, c bool, d bytea, e int)');
    const values = [1, 'two', true, Buffer.from([3]), null];
    await inPipelinedTransaction(pool, [{ text: 'INSERT INTO kinds VALUES ($1, $2, $3, $4, $5)', values }]);
    const { rows } = await pool.query('SELECT * FROM kinds');
    expect(rows).toEqual([{ a: 1, b: 'two', c: true, d: Buffer.from([3]), e: null }]);
  });

  test('would be written in part if its statements were sent as the driver does', async () => {
    const client = await pool.connect();
    const sent = [insert(1), insert(-1), insert(3)].map((one) => execute(client, one));
    await Promise.allSettled(sent);
    client.release();
    expect(await stored()).toEqual([1, 3]);
  });
});
