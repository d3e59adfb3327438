import { get, type IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createApp } from '@micromart/http/app';
import { createMetrics } from '@micromart/http/metrics';
import { type RunningServer, startServer } from '@micromart/http/server/server';
import { isUnavailable } from '@micromart/postgres/failure';
import { createLogger } from '@micromart/process/logger';
import { readFresh } from '@micromart/subscription/freshness/freshness';
import { createLiveGenerations } from '@micromart/subscription/generations/live-generations';
import { startTestServer, type TestServer } from '@micromart/testing/embedded-run';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { openRawConnection } from '@micromart/testing/raw-connection';
import { until } from '@micromart/testing/until';
import pg from 'pg';
import { NOTHING } from '../counts.ts';
import { changesRoute } from '../routes/changes.ts';
import { changed } from '../routes/count-schemas.ts';
import { openStore } from '../store/open-store.ts';
import { CHANGES_KEPT_MS, createChangesSweep } from '../store/postgres-changes-sweep.ts';
import type { CountStore } from '../store/store.ts';
import { CART_EVENTS, cartCounts } from '../subscriptions.ts';
import { type ChangeStream, createChangeStream } from './change-stream.ts';
import { defaultLimits, type ListenerLimits } from './listener.ts';
import { createReadChanges } from './read-changes.ts';

const QUICK: ListenerLimits = { ...defaultLimits, intervalMs: 10, afterResetMs: 10 };
/** Together more than the buffers of a connection hold. */
const MANY_PRODUCTS = 9_000;
const LONG_NAME = 'a-product-with-a-long-name-'.padEnd(58, '.');

type Instance = { readonly server: RunningServer; readonly changes: ChangeStream; notify(): void };
type ChangeEvent = { readonly event: string; readonly id: string; readonly data: Data };
type Data = { readonly productId?: string; readonly added?: number; readonly reason?: string };

/** Of its own, without vacuum: other transactions would hold back what is settled, and what is told would come twice. */
let server: TestServer;
let database: TestDatabase;
let closers: (() => unknown)[];

beforeAll(async () => {
  server = await startTestServer({ autovacuum: 'off' });
});

afterAll(() => server.stop());

beforeEach(async () => {
  closers = [];
  database = await openTestDatabase(server.url);
  closers.push(database.close);
});

afterEach(async () => {
  for (const close of closers.reverse()) await close();
});

async function openStoreHere(): Promise<CountStore> {
  const store = await openStore(database.url, () => {});
  closers.push(store.close);
  return store;
}

/** An instance of the service, as far as it tells changes. */
async function startInstance(limits: Partial<ListenerLimits> = {}): Promise<Instance> {
  const store = await openStoreHere();
  const live = createLiveGenerations([cartCounts(store)]);
  const logger = createLogger({ name: 'test', level: 'error', destination: { write: () => {} } });
  const changes = createChangeStream({
    read: createReadChanges(store, (work) => readFresh(store.changesPool, [CART_EVENTS], work, { live })),
    applied: live.applied,
    logger,
    limits: { ...QUICK, ...limits },
  });
  const app = createApp({
    ...{ name: 'test', logger, metrics: createMetrics('test'), checks: [], metricsOpen: true },
    ...{ ratePerSecond: 1, readsPerSecond: 10_000, isUnavailable },
    authenticate: async () => ({ subject: 'ann', roles: ['business'] }),
    routes: [changesRoute(changes)],
  });
  const server = await startServer(app, { host: '127.0.0.1', port: 0, logger });
  closers.push(server.close);
  return { server, changes, notify: live.applied.notify };
}

async function request({ server }: Instance, lastEventId?: string): Promise<IncomingMessage> {
  const headers = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId };
  const [host, port] = ['127.0.0.1', server.port];
  const incoming = await new Promise<IncomingMessage>((resolve, reject) =>
    get({ host, port, path: '/changes', headers, agent: false }, resolve).on('error', reject),
  );
  closers.push(() => incoming.destroy());
  return incoming;
}

/** Listens as an EventSource does. */
async function listen(instance: Instance, lastEventId?: string) {
  const incoming = await request(instance, lastEventId);
  expect(incoming.statusCode).toBe(200);
  const events: ChangeEvent[] = [];
  const client = { events, text: '', lastEventId, hasEnded: false, headers: incoming.headers, incoming };
  let rest = '';
  incoming.setEncoding('utf8').on('data', (chunk) => {
    client.text += chunk;
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s, 2)));
      if (fields.id !== undefined) client.lastEventId = fields.id;
      if (fields.data !== undefined)
        events.push({ event: fields.event, id: client.lastEventId!, data: JSON.parse(fields.data) });
    }
  });
  incoming.on('end', () => {
    client.hasEnded = true;
  });
  incoming.on('error', () => {});
  await until(() => client.lastEventId);
  return client;
}

const count = (...productIds: readonly string[]) =>
  database.admin.query(
    `INSERT INTO counts_total AS c (product_id, added, removed, units_added, units_removed)
     SELECT unnest($1::text[]), 1, 0, 2, 0 ON CONFLICT (product_id) DO UPDATE SET added = c.added + 1`,
    [productIds],
  );

const added = ({ events }: { events: readonly ChangeEvent[] }, productId: string): number | undefined =>
  events.findLast(({ data }) => data.productId === productId)?.data.added;

test('every instance tells what any of them applied, with all counters as they stand', async () => {
  const instances = [await startInstance(), await startInstance()];
  await count('tea');
  const clients = await Promise.all(instances.map((instance) => listen(instance)));
  await count('tea', '__proto__');
  instances[0]!.notify();
  for (const client of clients) {
    await until(() => client.events.length === 2);
    expect(client.events.every(({ event }) => event === 'counts')).toBe(true);
    for (const { data } of client.events) expect(changed.parse(data)).toEqual(data);
    const { data } = client.events.find(({ data }) => data.productId === 'tea')!;
    expect(data).toEqual({ ...NOTHING, productId: 'tea', added: 2, unitsAdded: 2, asOf: expect.any(String) });
    expect(client.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
  }
});

test('a client that comes back, to another instance, is told what it missed', async () => {
  const [here, there] = [await startInstance(), await startInstance()];
  const before = await listen(here);
  before.incoming.destroy();
  await until(() => here.changes.listening === 0);
  await count('tea');
  await count('tea', 'milk');
  const after = await listen(there, before.lastEventId);
  await until(() => after.events.length >= 2);
  expect([added(after, 'tea'), added(after, 'milk')]).toEqual([2, 1]);
  await count('milk');
  await until(() => added(after, 'milk') === 2);
  const again = await listen(here, after.lastEventId);
  await count('rice');
  await until(() => added(again, 'rice') === 1);
  expect(again.events).toHaveLength(1);
});

test('a client is told of a product at most once in an interval, and of the last value in the end', async () => {
  const instance = await startInstance({ intervalMs: 1_000 });
  const client = await listen(instance);
  const times: number[] = [];
  client.incoming.on('data', () => times.push(performance.now()));
  const startedMs = performance.now();
  for (let n = 0; n < 40; n += 1) await count('tea');
  await until(() => added(client, 'tea') === 40);
  const seconds = (performance.now() - startedMs) / 1_000;
  expect(client.events.length).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
});

test.each(['nonsense', '12', 'ffffffff/1@7', 'cart-3f2a9c1e/7@1234'])(
  'an id from elsewhere, %s, leads to a reset, and then to what changes',
  async (id) => {
    const client = await listen(await startInstance(), id);
    await until(() => client.events.length === 1);
    expect(client.events[0]).toMatchObject({ event: 'reset', data: { reason: 'replaced' } });
    await count('tea');
    await until(() => added(client, 'tea') === 1);
  },
);

test('a writer in progress since before the database was set up delays nobody and resets nobody', async () => {
  const slow = new pg.Client({ connectionString: database.url });
  await slow.connect();
  closers.push(() => slow.end());
  await slow.query('BEGIN');
  await slow.query('SELECT pg_current_xact_id()');
  const client = await listen(await startInstance());
  await count('tea');
  await until(() => added(client, 'tea') === 1);
  expect(client.events.every(({ event }) => event === 'counts')).toBe(true);
  await slow.query('COMMIT');
});

test('whoever comes back after more time than changes are kept is told so, nobody else', async () => {
  const instance = await startInstance();
  const [store, long] = [await openStoreHere(), await listen(instance)];
  await count('tea');
  await until(() => long.events.length === 1);
  const { lastEventId } = long;
  long.incoming.destroy();
  await until(() => instance.changes.listening === 0);
  const later = () => new Date(Date.now() + 2 * CHANGES_KEPT_MS);
  const sweep = createChangesSweep(store.pool, later);

  await count('milk');
  expect(await sweep.overdueS()).toBeGreaterThan(0);
  while ((await sweep.sweep(2)) >= 2);
  expect(await sweep.overdueS()).toBe(0);
  const late = await listen(instance, lastEventId);
  await until(() => late.events.length === 1);
  expect(late.events[0]).toMatchObject({ event: 'reset', data: { reason: 'expired' } });

  const punctual = await listen(instance, late.lastEventId);
  await sweep.sweep(100);
  await count('rice');
  await until(() => punctual.events.length === 1);
  expect(added(punctual, 'rice')).toBe(1);
});

test('a sweep waits for transactions in progress', async () => {
  const store = await openStoreHere();
  const later = () => new Date(Date.now() + 2 * CHANGES_KEPT_MS);
  const sweep = createChangesSweep(store.pool, later);
  const kept = async () => Number((await database.admin.query('SELECT count(*) FROM changes')).rows[0].count);
  const client = await store.pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT pg_current_xact_id()');
  for (const product of ['tea', 'milk', 'rice']) await count(product);
  await sweep.sweep(100);
  expect(await kept()).toBe(4);
  await client.query('COMMIT');
  client.release();
  await sweep.sweep(100);
  expect(await kept()).toBe(1);
});

test('when another generation becomes live, everybody is told to read again, then its changes', async () => {
  const [instance, store] = [await startInstance(), await openStoreHere()];
  await database.admin.query(
    "INSERT INTO generations (name, model, number, shape, state, live) VALUES ($1, $1, 1, 1, 'ready', true)",
    [CART_EVENTS],
  );
  const next = { name: `${CART_EVENTS}~2`, model: CART_EVENTS, number: 2, shape: 1 } as const;
  await cartCounts(store).create({ ...next, state: 'creating', live: false });
  const client = await listen(instance);
  await count('tea');
  await until(() => client.events.length === 1);
  const { lastEventId } = client;

  await database.admin.query('UPDATE generations SET live = false');
  await database.admin.query(
    "INSERT INTO generations (name, model, number, shape, state, live) VALUES ($1, $2, 2, 1, 'ready', true)",
    [next.name, CART_EVENTS],
  );
  await until(() => client.events.length === 2);
  expect(client.events[1]).toMatchObject({ event: 'reset', data: { reason: 'replaced' } });
  const late = await listen(instance, lastEventId);
  await until(() => late.events.length === 1);
  expect(late.events[0]).toMatchObject({ event: 'reset', data: { reason: 'replaced' } });

  await count('milk');
  await database.admin.query(
    'INSERT INTO cart_events_2.counts_total (product_id, added, removed, units_added, units_removed) VALUES ($1, 7, 0, 7, 0)',
    ['tea'],
  );
  for (const one of [client, late]) await until(() => added(one, 'tea') === 7);
  expect([client, late].map((one) => added(one, 'milk'))).toEqual([undefined, undefined]);
});

test('a client that does not read is cut, and all others are told meanwhile', async () => {
  const instance = await startInstance({ stuckMs: 300 });
  const reading = await listen(instance);
  const stuck = await openRawConnection(instance.server.port);
  closers.push(() => stuck.socket.destroy());
  stuck.socket.pause();
  stuck.socket.write('GET /changes HTTP/1.1\r\nHost: test\r\n\r\n');
  await until(() => instance.changes.listening === 2);
  const products = Array.from({ length: MANY_PRODUCTS }, (_, n) => `${LONG_NAME}${n}`);
  let rounds = 0;
  await until(
    async () => {
      await count(...products);
      rounds += 1;
      const last = rounds;
      await until(() => added(reading, products.at(-1)!)! >= last);
      return instance.changes.cut === 1;
    },
    { capMs: 60_000 },
  );
  expect(instance.changes.listening).toBe(1);
  await count('tea');
  await until(() => added(reading, 'tea') === 1);
}, 90_000);

test('a stream shows that it is alive, ends after its time, and goes on where it ended', async () => {
  const instance = await startInstance({ heartbeatMs: 20, listeningMs: 600 });
  const client = await listen(instance);
  await until(() => client.text.includes(': heartbeat\n\n'));
  await until(() => client.hasEnded);
  expect(client.incoming.complete).toBe(true);
  await count('tea');
  const next = await listen(instance, client.lastEventId);
  await until(() => added(next, 'tea') === 1);
});

test('a stop ends all streams at once', async () => {
  const instance = await startInstance();
  const clients = [await listen(instance), await listen(instance)];
  const closed = instance.server.close();
  for (const client of clients) await until(() => client.hasEnded);
  expect(clients.every(({ incoming }) => incoming.complete)).toBe(true);
  await closed;
  expect(instance.changes.listening).toBe(0);
});

test('listeners wait while the database is away, and miss nothing', async () => {
  const instance = await startInstance();
  const client = await listen(instance);
  await count('tea');
  await until(() => client.events.length === 1);
  await database.admin.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name LIKE '% changes'`,
  );
  await count('tea', 'milk');
  await until(() => added(client, 'tea') === 2 && added(client, 'milk') === 1);
});

test('HEAD says what GET would, and opens nothing', async () => {
  const instance = await startInstance();
  const response = await fetch(`${instance.server.url}/changes`, { method: 'HEAD' });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  expect(instance.changes.listening).toBe(0);
});
