import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { LoggedEvent } from '@micromart/events/envelope';
import { migrate } from '@micromart/postgres/migrate';
import { type Client, openPool, type Pool } from '@micromart/postgres/pool';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { until } from '@micromart/testing/until';
import { Registry } from 'prom-client';
import { readFresh } from '../freshness/freshness.ts';
import { createSubscriptionMetrics } from '../metrics.ts';
import { subscriptionMigrations } from '../migrations.ts';
import { createRebuilds } from '../rebuild/rebuild.ts';
import { testLogger } from '../testing/follower.ts';
import { createTestSource } from '../testing/source.ts';
import { startGenerations } from './generations.ts';
import { createLiveGenerations } from './live-generations.ts';
import type { ReadModel } from './read-model.ts';

/** A model without tables of its own: a document for each generation, which maps keys to how often they came. */
type Document = Readonly<Record<string, number>>;

const documentOf = async (client: Client | Pool, generation: string): Promise<Document> =>
  (await client.query('SELECT counts FROM documents WHERE generation = $1', [generation])).rows[0]?.counts ??
  {};

const documentModel = (pool: Pool): ReadModel<LoggedEvent> => ({
  name: 'documents',
  shape: 1,
  create: async ({ name }) => {
    await pool.query('INSERT INTO documents (generation) VALUES ($1) ON CONFLICT DO NOTHING', [name]);
  },
  open: async ({ name }) => ({
    projection: {
      parse: (event) => event,
      effects: (events) =>
        [...Map.groupBy(events, ({ partitionkey }) => partitionkey)].map(([key, { length }]) => ({
          text: `UPDATE documents SET counts = jsonb_set(counts, ARRAY[$2::text],
                   to_jsonb(COALESCE((counts ->> $2::text)::int, 0) + $3::int)) WHERE generation = $1`,
          values: [name, key, length],
        })),
    },
    sessionSettings: {},
    close: async () => {},
  }),
  reading: ({ shape }) => (shape === 1 ? {} : undefined),
  size: async ({ name }) => JSON.stringify(await documentOf(pool, name)).length,
  async compare(client, live, other, limit) {
    const [a, b] = [await documentOf(client, live.name), await documentOf(client, other.name)];
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
    const differing = keys.filter((key) => a[key] !== b[key]);
    const listed = differing.slice(0, limit).map((key) => ({
      ...{ table: 'documents', key: { key }, live: { times: a[key] ?? 0 }, other: { times: b[key] ?? 0 } },
    }));
    return { rows: keys.length, differing: differing.length, listed, newCounters: [], leftOut: [] };
  },
  drop: async (client, { name }) => {
    await client.query('DELETE FROM documents WHERE generation = $1', [name]);
  },
});

let database: TestDatabase;
let pool: Pool;
beforeEach(async () => {
  database = await openTestDatabase();
  await migrate(database.url, [subscriptionMigrations]);
  pool = openPool(database.url, { max: 3, name: 'test' });
  await pool.query(
    "CREATE TABLE documents (generation text PRIMARY KEY, counts jsonb NOT NULL DEFAULT '{}')",
  );
  await pool.query("INSERT INTO documents (generation) VALUES ('documents')");
});
afterEach(async () => {
  await pool.end();
  await database.close();
});

test('a read model that is no tables is rebuilt, compared, switched and dropped in the same way', async () => {
  const source = createTestSource({ partitions: 2 });
  source.appendMany(70);
  const model = documentModel(pool);
  const live = createLiveGenerations([model]);
  const generations = await startGenerations({
    ...{ model, live, source, url: database.url, logger: testLogger },
    metrics: createSubscriptionMetrics(new Registry()),
    limits: { headWaitS: 1 },
  });
  const rebuilds = createRebuilds(generations, testLogger);
  const read = () =>
    readFresh(
      pool,
      ['documents'],
      async (client, freshness) => documentOf(client, (await freshness).live[0]!.name),
      {
        live,
      },
    );
  const isState = (id: string, state: string) => async () => (await rebuilds.show(id)).state === state;
  const all = Object.fromEntries(Array.from({ length: 7 }, (_, n) => [`key-${n}`, 10]));

  await rebuilds.begin({ by: 'operator', maxBytes: undefined });
  await until(isState('documents~2', 'ready'));
  expect((await rebuilds.show('documents~2')).comparison).toMatchObject({ rows: 7, differing: 0 });

  await pool.query(`UPDATE documents SET counts = counts || '{"key-3": 9}' WHERE generation = 'documents'`);
  await rebuilds.compare('documents~2', 'operator');
  await until(isState('documents~2', 'ready'));
  expect((await rebuilds.show('documents~2')).comparison).toMatchObject({
    differing: 1,
    listed: [{ key: { key: 'key-3' }, live: { times: 9 }, other: { times: 10 } }],
  });
  expect((await read()).value['key-3']).toBe(9);
  await rebuilds.switch('documents~2', { by: 'operator', acceptDifferences: true });
  expect((await read()).value).toEqual(all);
  await rebuilds.drop('documents', 'operator');
  await until(isState('documents', 'dropped'));
  expect((await pool.query('SELECT generation FROM documents')).rows).toEqual([
    { generation: 'documents~2' },
  ]);
  await generations.close();
});
