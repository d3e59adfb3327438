import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { migrate } from '@micromart/postgres/migrate';
import { openPool, type Pool } from '@micromart/postgres/pool';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { until } from '@micromart/testing/until';
import { eventLogMigrations } from './log.ts';
import { createSweep, startSweep } from './sweep.ts';
import { WRITER_SETTINGS } from './writer-settings.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.url, [eventLogMigrations]);
  pool = openPool(database.url, { max: 5, name: 'test', settings: WRITER_SETTINGS });
});

beforeEach(async () => {
  await pool.query('TRUNCATE idempotency_keys, event_log_commits');
  await pool.query("UPDATE event_log_sweeps SET until = '-infinity'");
});

afterAll(async () => {
  await pool.end();
  await database.close();
});

const write = (rows: number, age: string) =>
  pool.query(
    `INSERT INTO idempotency_keys (scope, key, fingerprint, answer, at)
     SELECT 's', $2 || n, '', '{}', now() - $2::interval - n * interval '1 ms' FROM generate_series(1, $1::int) n`,
    [rows, age],
  );
const keys = () => createSweep(pool, 'idempotency_keys', '24 hours');
const left = async () => {
  const { rows } = await pool.query<{ n: number }>('SELECT count(*) AS n FROM idempotency_keys');
  return rows[0]!.n;
};

describe('a sweep', () => {
  test('continues until no due row is left, however many there are, and keeps the others', async () => {
    await write(25_000, '25 hours');
    await write(10, '23 hours');
    await pool.query(`INSERT INTO event_log_commits (id, written, at)
      SELECT gen_random_uuid(), true, now() - n * interval '59 minutes' FROM generate_series(1, 3) n`);
    const sweeping = startSweep(pool, (error) => {
      throw error;
    });
    await until(async () => (await left()) === 10);
    await until(async () => (await pool.query('SELECT FROM event_log_commits')).rowCount === 1);
    await sweeping.close();
  });

  test('deletes the oldest first, by the index, from where the last batch ended', async () => {
    await write(5_000, '25 hours');
    expect(await keys().sweep(1_000)).toBe(1_000);
    await write(1, '23 hours');
    const { rows } = await pool.query<{ n: number }>(
      `SELECT count(*) AS n FROM idempotency_keys, event_log_sweeps s WHERE name = 'idempotency_keys' AND at < s.until`,
    );
    expect(rows[0]!.n).toBe(0);
    const { rows: plan } = await pool.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT ctid, at FROM idempotency_keys
       WHERE at >= (SELECT until FROM event_log_sweeps WHERE name = 'idempotency_keys')
         AND at < now() - interval '24 hours' ORDER BY at LIMIT 1000`,
    );
    expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toContain('idempotency_keys_by_time');
  });

  test('runs in one of several processes at a time, and blocks none', async () => {
    await write(100, '25 hours');
    const other = await pool.connect();
    await other.query('BEGIN');
    await other.query("SELECT FROM event_log_sweeps WHERE name = 'idempotency_keys' FOR UPDATE");
    expect(await keys().sweep(10)).toBe(0);
    await other.query('ROLLBACK');
    other.release();
    const swept = await Promise.all([keys().sweep(60), keys().sweep(60)]);
    expect(await left()).toBe(100 - swept.reduce((sum, one) => sum + one));
  });

  test('says by how much it is behind', async () => {
    expect(await keys().overdueS()).toBe(0);
    await write(10, '23 hours');
    expect(await keys().overdueS()).toBe(0);
    await write(10, '25 hours');
    expect(await keys().overdueS()).toBeGreaterThanOrEqual(3_600);
    await keys().sweep(100);
    expect(await keys().overdueS()).toBe(0);
  });
});
