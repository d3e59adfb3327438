import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { cartEventExamples } from '@micromart/contracts/cart-events';
import { migrate } from '@micromart/postgres/migrate';
import { inTransaction } from '@micromart/postgres/pool';
import { executeAll } from '@micromart/postgres/statement';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { STEP_MS } from '../buckets.ts';
import { tally } from '../counts.ts';
import { openStore } from './open-store.ts';
import type { CountStore } from './store.ts';

const BEFORE_QUARTERS = '001_counts.sql';
/** How far ahead the clock may be from which an event has its time. */
const MARGIN_HOURS = 6;

let database: TestDatabase;
const opened: CountStore[] = [];

beforeEach(async () => {
  database = await openTestDatabase();
});

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  await database.close();
});

async function open(): Promise<CountStore> {
  const store = await openStore(database.url, () => {});
  opened.push(store);
  return store;
}

/** The schema as the version before quarter hours made it. */
async function migrateAsBefore(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'));
  await cp(new URL(`./migrations/${BEFORE_QUARTERS}`, import.meta.url), join(folder, BEFORE_QUARTERS));
  await migrate(database.url, [{ name: 'counts', folder: pathToFileURL(`${folder}/`) }]);
  await rm(folder, { recursive: true });
}

/** What that version does to the buckets of one event, in one statement. */
const countAsBefore = (time: Date) =>
  database.admin.query(
    `WITH minutes AS (INSERT INTO counts_by_minute VALUES (date_trunc('minute', $1::timestamptz, 'UTC'), 'tea', 1, 0, 1, 0)),
          hours AS (INSERT INTO counts_by_hour AS c VALUES (date_trunc('hour', $1, 'UTC'), 'tea', 1, 0, 1, 0)
                    ON CONFLICT (bucket, product_id) DO UPDATE SET added = c.added + excluded.added)
     INSERT INTO counts_by_day VALUES (date_trunc('day', $1, 'UTC'), 'tea', 1, 0, 1, 0)`,
    [time],
  );

const quartersFrom = (store: CountStore): Promise<number> => inTransaction(store.pool, store.quartersFrom);

async function count(store: CountStore, time: Date): Promise<void> {
  const event = { ...cartEventExamples['cart.item-added'], time: time.toISOString() };
  await inTransaction(store.pool, (client) => executeAll(client, store.addition(tally([event], new Date()))));
}

test('a new read model has all its quarter hours', async () => {
  const store = await open();
  expect(await quartersFrom(store)).toBe(Number.NEGATIVE_INFINITY);
  await count(store, new Date());
  expect(await quartersFrom(store)).toBe(Number.NEGATIVE_INFINITY);
});

test('an installation of before has them from the hour on after which nothing had been counted', async () => {
  await migrateAsBefore();
  await countAsBefore(new Date('2026-10-01T12:34:56Z'));
  const store = await open();
  expect(new Date(await quartersFrom(store))).toEqual(new Date('2026-10-01T13:00:00Z'));
  await count(store, new Date('2026-10-01T13:20:00Z'));
  expect(new Date(await quartersFrom(store))).toEqual(new Date('2026-10-01T13:00:00Z'));
});

test('what a process of the version before counts beside this one is not taken for complete', async () => {
  await migrateAsBefore();
  const store = await open();
  await count(store, new Date());
  const startedMs = Date.now();
  await countAsBefore(new Date(startedMs + MARGIN_HOURS * STEP_MS.hour - 1));
  const from = await quartersFrom(store);
  expect(from % STEP_MS.hour).toBe(0);
  expect(from).toBeGreaterThan(startedMs + MARGIN_HOURS * STEP_MS.hour - 1);
  await count(store, new Date());
  expect(await quartersFrom(store)).toBe(from);
});
