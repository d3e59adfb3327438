import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createApp } from '@micromart/http/app';
import { createAuthentication, type Role } from '@micromart/http/authentication/authentication';
import { createMetrics } from '@micromart/http/metrics';
import { type RunningServer, startServer } from '@micromart/http/server/server';
import { openTestIssuer, type TestIssuer } from '@micromart/testing/http';
import { until } from '@micromart/testing/until';
import { createSubscriptionRoutes } from './routes.ts';
import type { Subscription } from './subscription.ts';
import { openTestFollower, type TestFollower, testLogger } from './testing/follower.ts';
import { createTestSource, type TestSource } from './testing/source.ts';

let issuer: TestIssuer;
let follower: TestFollower;
let server: RunningServer;
let source: TestSource;
let subscription: Subscription;

beforeAll(async () => {
  issuer = await openTestIssuer();
  follower = await openTestFollower();
  const app = createApp({
    name: 'test',
    logger: testLogger,
    metrics: createMetrics('test'),
    authenticate: createAuthentication(issuer),
    routes: createSubscriptionRoutes({
      pool: follower.pool,
      subscriptions: () => [subscription],
      logger: testLogger,
    }),
    checks: [],
    ratePerSecond: 1_000,
    readsPerSecond: 100_000,
    metricsOpen: false,
  });
  server = await startServer(app, { host: '127.0.0.1', port: 0, logger: testLogger });
});
afterAll(async () => {
  await server.close();
  await follower.close();
  await issuer.close();
});
beforeEach(async () => {
  await follower.empty();
  source = createTestSource({ partitions: 2 });
  subscription = follower.start({ source, limits: { headWaitS: 1, parkedEvents: 4 } });
});
afterEach(() => subscription.close());

/** The fields of the answers that these tests read. */
type Shown = {
  id: string;
  key: string;
  state: string;
  reason: string | null;
  lagEvents: number;
  lagMs: number | null;
  partitions: { position: number }[];
};
type Body = { items: Shown[]; next: string | null };

async function ask(method: string, path: string, role: Role = 'operator', body?: unknown) {
  const token = await issuer.token({ subject: 'olga', roles: [role] });
  const headers = {
    authorization: `Bearer ${token}`,
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  const response = await fetch(server.url + path, {
    ...{ method, headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Body };
}
const show = async () => (await ask('GET', '/subscriptions')).body.items[0]!;
const reached = (sequence: number) => until(async () => (await show()).partitions[0]?.position === sequence);

test('shows the position of the subscription, and whether it runs', async () => {
  source.append(0, 'a');
  await until(async () => (await show()).lagMs !== null && (await show()).partitions[0]?.position === 1);
  expect(await show()).toMatchObject({
    name: 'test',
    state: 'running',
    reason: null,
    leader: true,
    log: 'test-1',
    lagEvents: 0,
    parked: 0,
    partitions: [
      {
        partition: 0,
        position: 1,
        head: 1,
        lagEvents: 0,
        parked: 0,
        state: 'current',
        asOf: expect.any(String),
      },
      { partition: 1, position: 0, head: 0 },
    ],
  });
});

test('pauses and resumes', async () => {
  source.append(0, 'a');
  await reached(1);
  expect((await ask('POST', '/subscriptions/test/pause')).body).toMatchObject({ state: 'paused' });
  source.append(0, 'a');
  await until(async () => (await show()).lagEvents === 1);
  expect((await show()).partitions[0]).toMatchObject({ position: 1, head: 2, state: 'behind' });
  expect((await ask('POST', '/subscriptions/test/resume')).body).toMatchObject({ state: 'running' });
  await reached(2);
});

test('lists parked events by pages, and retries and discards them in the name of the caller', async () => {
  for (const key of ['bad', 'bad', 'worse']) source.append(0, key, { invalid: key !== 'bad' || undefined });
  follower.onApply = (events) => {
    if (events.some((event) => event.partitionkey === 'bad')) throw new Error('cannot count that');
  };
  await reached(3);
  const first = (await ask('GET', '/parked?limit=2')).body;
  expect(first.items).toHaveLength(2);
  const rest = (await ask('GET', `/parked?limit=2&cursor=${first.next}`)).body;
  expect(rest).toMatchObject({ next: null, items: [{ state: 'parked', resolvedBy: null }] });
  const [head, behind] = [...first.items, ...rest.items].filter(({ key }) => key === 'bad') as [Shown, Shown];

  expect((await ask('POST', `/parked/${behind.id}/retry`)).status).toBe(409);
  expect((await ask('POST', `/parked/${head.id}/retry`)).body).toMatchObject({ applied: 0, parked: 2 });
  follower.onApply = () => {};
  expect((await ask('POST', `/parked/${head.id}/discard`)).body).toEqual({
    applied: 1,
    parked: 0,
    reason: null,
  });
  expect((await ask('GET', '/parked?state=discarded')).body.items).toMatchObject([
    { id: head.id, resolvedBy: 'olga' },
  ]);
  expect((await ask('POST', '/parked/999999/retry')).status).toBe(404);
  expect((await ask('POST', '/parked/nonsense/retry')).status).toBe(400);
});

test('resolves many parked events at once, and refuses a request that names none', async () => {
  for (const key of ['bad', 'bad', 'worse']) source.append(0, key);
  follower.onApply = (events) => {
    if (events.length > 0) throw new Error('cannot count that');
  };
  await reached(3);
  follower.onApply = () => {};
  for (const body of [undefined, {}, { all: false }, { all: true, key: 'bad' }, { reason: '' }, { keys: [] }])
    expect((await ask('POST', '/parked/retry', 'operator', body)).status).toBe(400);
  expect(await ask('POST', '/parked/discard', 'operator', { key: 'worse', reason: 'cannot' })).toEqual({
    ...{ status: 200, body: { applied: 0, discarded: 1, parked: 0, more: false } },
  });
  const retried = await ask('POST', '/parked/retry', 'operator', { all: true });
  expect(retried.body).toEqual({ applied: 2, discarded: 0, parked: 0, more: false });
  const other = { subscription: 'other', all: true };
  expect((await ask('POST', '/parked/retry', 'operator', other)).status).toBe(404);
});

test('lists what operators did, the newest first, also what was refused', async () => {
  source.append(0, 'bad', { invalid: true });
  await reached(1);
  const { items } = (await ask('GET', '/parked')).body;
  await ask('POST', '/subscriptions/test/pause');
  await ask('POST', '/subscriptions/test/resume');
  await ask('POST', `/parked/${items[0]!.id}/discard`);
  await ask('POST', `/parked/${items[0]!.id}/retry`);
  await ask('POST', '/parked/retry', 'operator', { reason: 'x' });
  const { body } = await ask('GET', '/acts?limit=5');
  expect(body.items).toMatchObject([
    {
      ...{ kind: 'retry-many', by: 'olga', target: 'test', outcome: 'done' },
      result: { applied: 0, asked: { reason: 'x' } },
    },
    { kind: 'retry', target: items[0]!.id, outcome: 'refused' },
    { kind: 'discard', target: items[0]!.id, outcome: 'done', result: { sequence: 1, key: 'bad' } },
    { kind: 'resume', target: 'test', outcome: 'done' },
    { kind: 'pause', target: 'test', outcome: 'done' },
  ]);
  const page = (await ask('GET', '/acts?limit=1&kind=pause&outcome=done&by=olga')).body;
  expect(page).toMatchObject({ items: [{ kind: 'pause' }] });
  expect((await ask('GET', '/acts?kind=nonsense')).status).toBe(400);
});

test('does not resume while too many are parked, and never after the source was replaced', async () => {
  for (let i = 0; i < 6; i += 1) source.append(0, `bad-${i}`, { invalid: true });
  await until(async () => (await show()).state === 'stopped');
  expect(await show()).toMatchObject({ reason: expect.stringMatching(/^too-many-parked/), parked: 4 });
  expect((await ask('POST', '/subscriptions/test/resume')).status).toBe(409);
  const { items } = (await ask('GET', '/parked')).body;
  for (const { id } of items) await ask('POST', `/parked/${id}/discard`);
  expect((await ask('POST', '/subscriptions/test/resume')).body).toMatchObject({ state: 'running' });
  await reached(6);

  source.replace('test-2');
  await until(async () => (await show()).reason?.startsWith('source-replaced'));
  const refused = await ask('POST', '/subscriptions/test/resume');
  expect(refused).toMatchObject({ status: 409, body: { type: '/problems/source-replaced' } });
  expect((await show()).state).toBe('stopped');
});

test('is for operators', async () => {
  for (const [method, path] of [
    ['GET', '/subscriptions'],
    ['GET', '/parked'],
    ['GET', '/acts'],
    ['POST', '/parked/retry'],
    ['POST', '/subscriptions/test/pause'],
    ['POST', '/parked/1/discard'],
  ] as const)
    expect((await ask(method, path, 'business')).status).toBe(403);
  expect((await ask('POST', '/subscriptions/other/pause')).status).toBe(404);
});
