import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { LoggedEvent } from '@micromart/events/envelope';
import { textArray } from '@micromart/postgres/binary-array';
import type { Statement } from '@micromart/postgres/statement';
import { until } from '@micromart/testing/until';
import { Registry } from 'prom-client';
import { listParked } from '../dead-letters/parked-events.ts';
import { createSubscriptionMetrics } from '../metrics.ts';
import type { Projection } from '../projection.ts';
import { headsNow } from '../sources/event-source.ts';
import { type Subscription, startSubscription } from '../subscription.ts';
import { openTestFollower, type TestFollower, testLogger } from '../testing/follower.ts';
import { createTestSource, type TestSource } from '../testing/source.ts';
import { forget, settle } from './postgres-tombstones.ts';
import { NOBODY } from './tombstones.ts';

const NAME = 'visits';
const PARTITIONS = 3;

type Visited = LoggedEvent & { readonly data: { readonly visitor: string } };

/** Keeps visits by visitor, and a count of all visits, which does not depend on the key. */
const projection: Projection<Visited> = {
  parse: (event) => {
    if ((event.data as { invalid?: true }).invalid)
      throw new Error(`cannot be read: ${JSON.stringify(event.data)}`);
    return event as Visited;
  },
  effects(events) {
    const forgotten = events
      .filter(({ type }) => type === 'test.forgotten')
      .map(({ data, partition, sequence }) => ({ key: data.visitor, partition, sequence: Number(sequence) }));
    const visitors = events.filter(({ type }) => type !== 'test.forgotten').map(({ data }) => data.visitor);
    return [
      ...(forgotten.length > 0 ? [...forget(NAME, forgotten), ...drop(forgotten.map(({ key }) => key))] : []),
      {
        text: `INSERT INTO visits SELECT v FROM unnest($1::text[]) AS v WHERE NOT is_forgotten('${NAME}', v)`,
        values: [textArray(visitors)],
      },
      { text: 'UPDATE visit_count SET n = n + $1', values: [visitors.length] },
    ];
  },
};

const drop = (keys: readonly string[]): Statement[] => [
  { text: 'DELETE FROM visits WHERE visitor = ANY ($1::text[])', values: [textArray(keys)] },
];

let follower: TestFollower;
let source: TestSource;
let subscription: Subscription | undefined;

beforeAll(async () => {
  follower = await openTestFollower();
  await follower.pool.query('CREATE TABLE visits (visitor text); CREATE TABLE visit_count (n int)');
});
afterAll(() => follower.close());
beforeEach(async () => {
  await follower.empty();
  await follower.pool.query('TRUNCATE visits, visit_count; INSERT INTO visit_count VALUES (0)');
  source = createTestSource({ partitions: PARTITIONS });
});
afterEach(() => stop());

/** Follows the source, but gets no more of each partition than `ends` allows. */
const start = (ends: ReadonlyMap<number, number> = new Map()) => {
  const limited: TestSource = Object.assign(Object.create(source) as TestSource, {
    page: async (request: Parameters<TestSource['page']>[0]) => {
      const room = (ends.get(request.partition) ?? Number.POSITIVE_INFINITY) - request.after;
      return room > 0 ? source.page({ ...request, limit: Math.min(room, request.limit) }) : [];
    },
  });
  const url = follower.url;
  const metrics = createSubscriptionMetrics(new Registry());
  subscription = startSubscription({
    ...{ name: NAME, url, source: limited, projection, metrics, logger: testLogger },
    limits: { headWaitS: 1 },
  });
};
const stop = async () => {
  await subscription?.close();
  subscription = undefined;
};
const visit = (partition: number, visitor: string) =>
  source.append(partition, `cart-${partition}`, { visitor });
const sayForgotten = (partition: number, visitor: string) =>
  source.append(partition, visitor, { visitor }, 'test.forgotten');
const reached = (expected: Readonly<Record<number, number>>) =>
  until(async () => {
    const positions = await follower.positions(NAME);
    return Object.entries(expected).every(
      ([partition, sequence]) => positions[Number(partition)] === sequence,
    );
  });
const settleNow = async () =>
  settle(follower.pool, NAME, await headsNow(source, AbortSignal.timeout(5_000)), drop);
const kept = async () =>
  (await follower.pool.query<{ visitor: string }>('SELECT visitor FROM visits ORDER BY visitor')).rows.map(
    ({ visitor }) => visitor,
  );
const counted = async () =>
  (await follower.pool.query<{ n: number }>('SELECT n FROM visit_count')).rows[0]!.n;
const tombstones = async () =>
  (await follower.pool.query<{ key: string }>('SELECT key FROM subscription_tombstones')).rows.length;

describe('a key that is forgotten', () => {
  test('is dropped, also when older events of other partitions come later, and no count changes', async () => {
    const [alice, bob] = [randomUUID(), randomUUID()];
    for (const partition of [0, 1, 2]) for (const visitor of [alice, bob]) visit(partition, visitor);
    sayForgotten(0, alice);
    start(
      new Map([
        [1, 0],
        [2, 0],
      ]),
    );
    await reached({ 0: 3 });
    expect(await kept()).toEqual([bob]);
    await stop();
    expect(await settleNow()).toBe(0);

    start(new Map([[2, 0]]));
    await reached({ 0: 3, 1: 2 });
    await stop();
    expect(await settleNow()).toBe(0);
    expect(await kept()).toEqual([bob, bob]);

    start();
    await reached({ 0: 3, 1: 2, 2: 2 });
    expect(await settleNow()).toBe(1);
    expect(await tombstones()).toBe(0);
    expect(await kept()).toEqual([bob, bob, bob]);
    expect(await counted()).toBe(6);
  });

  test('ignores heads from before it was forgotten', async () => {
    const alice = randomUUID();
    visit(1, alice);
    const early = await headsNow(source, AbortSignal.timeout(5_000));
    visit(1, alice);
    sayForgotten(0, alice);
    start(new Map([[1, 1]]));
    await reached({ 0: 1, 1: 1 });
    expect(await settle(follower.pool, NAME, early, drop)).toBe(0);
    expect(await settleNow()).toBe(0);
    await stop();
    start();
    await reached({ 0: 1, 1: 2 });
    expect(await settleNow()).toBe(1);
    expect(await kept()).toEqual([]);
  });

  test('is dropped again with its tombstone, in case a transaction did not see the tombstone', async () => {
    const alice = randomUUID();
    sayForgotten(0, alice);
    start();
    await reached({ 0: 1 });
    await follower.pool.query('INSERT INTO visits VALUES ($1)', [alice]);
    expect(await settleNow()).toBe(1);
    expect(await kept()).toEqual([]);
  });

  test('is stripped from parked events, earlier and later ones, which can still be retried', async () => {
    const alice = randomUUID();
    source.append(1, 'bad', { visitor: alice, invalid: true });
    source.append(1, 'bad', { visitor: alice });
    source.append(2, 'worse', { visitor: alice, invalid: true });
    sayForgotten(0, alice);
    start(
      new Map([
        [0, 0],
        [2, 0],
      ]),
    );
    await reached({ 1: 2 });
    await stop();
    start();
    await reached({ 0: 1, 1: 2, 2: 1 });
    expect(await settleNow()).toBe(1);
    const parked = await listParked(follower.pool, {
      ...{ subscriptions: [NAME], state: 'parked', after: '0', limit: 10 },
    });
    expect(parked.map(({ event }) => (event as LoggedEvent).data)).toEqual([
      { visitor: NOBODY, invalid: true },
      { visitor: NOBODY },
      { visitor: NOBODY, invalid: true },
    ]);
    expect(JSON.stringify(parked)).not.toContain(alice);
    await subscription!.parking.discard(parked[0]!.id, 'olivia');
    expect(await kept()).toEqual([]);
    expect(await counted()).toBe(1);
  });

  test('is dropped in the same way by a follower that reads the log again', async () => {
    const [alice, bob] = [randomUUID(), randomUUID()];
    for (const partition of [0, 1, 2]) for (const visitor of [alice, bob]) visit(partition, visitor);
    sayForgotten(2, alice);
    for (let round = 0; round < 2; round += 1) {
      await follower.pool.query('TRUNCATE subscriptions CASCADE; TRUNCATE visits');
      start();
      await reached({ 0: 2, 1: 2, 2: 3 });
      expect(await settleNow()).toBe(1);
      expect(await kept()).toEqual([bob, bob, bob]);
      await stop();
    }
  });
});
