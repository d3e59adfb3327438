import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { LoggedEvent } from '@micromart/events/envelope';
import { until } from '@micromart/testing/until';
import type { Subscription } from '../subscription.ts';
import { openTestFollower, type TestFollower } from '../testing/follower.ts';
import { createTestSource, type TestSource } from '../testing/source.ts';
import { listParked } from './parked-events.ts';

let follower: TestFollower;
let source: TestSource;
let subscription: Subscription;
/** `partition@sequence` of the events that the handler fails on. */
let poison: Set<string>;

beforeAll(async () => {
  follower = await openTestFollower();
});
afterAll(() => follower.close());
beforeEach(async () => {
  await follower.empty();
  source = createTestSource({ partitions: 2 });
  poison = new Set();
  follower.onApply = (events) => {
    const culprit = events.find((event) => poison.has(positionOf(event)));
    if (culprit) throw new Error(`cannot count ${positionOf(culprit)}`);
  };
});
afterEach(() => subscription.close());

const positionOf = (event: Pick<LoggedEvent, 'partition' | 'sequence'>) =>
  `${event.partition}@${event.sequence}`;
const parked = async (state: 'parked' | 'retried' | 'discarded' = 'parked') =>
  listParked(follower.pool, { subscriptions: ['test'], state, after: '0', limit: 1_000 });
const appliedOf = async (key: string) =>
  (await follower.applied()).filter((one) => one.key === key).map((one) => one.sequence);
const start = (limits = {}) => {
  subscription = follower.start({ source, limits: { headWaitS: 1, ...limits } });
};
const caughtUp = () =>
  until(async () => {
    const positions = await follower.positions('test');
    return source.events.every((list, partition) => positions[partition] === list.length);
  });
const parkedCounts = async () =>
  (
    await follower.pool.query<{ parked: number }>(
      'SELECT parked FROM subscription_positions ORDER BY partition',
    )
  ).rows.map((row) => row.parked);

describe('an event that the handler fails on', () => {
  test('is found in its batch and parked, with the later ones of its key behind it; the others are applied', async () => {
    for (let i = 0; i < 40; i += 1) source.append(i % 2, i % 4 === 0 ? 'bad' : `good-${i % 3}`);
    poison.add('0@5');
    start();
    await caughtUp();
    const list = await parked();
    expect(list.map(({ sequence }) => sequence)).toEqual([5, 7, 9, 11, 13, 15, 17, 19]);
    expect(list[0]).toMatchObject({ reason: 'cannot count 0@5', attempts: 3, key: 'bad', partition: 0 });
    expect(list[1]).toMatchObject({ reason: expect.stringContaining('behind'), attempts: 0 });
    expect(await appliedOf('bad')).toEqual([1, 3]);
    expect(await follower.applied()).toHaveLength(32);
    expect(await parkedCounts()).toEqual([8, 0]);
  });

  test('is not parked when a later attempt succeeds', async () => {
    let failures = 0;
    follower.onApply = () => {
      failures += 1;
      if (failures <= 2) throw new Error('a race of the handler');
    };
    source.append(0, 'a');
    start();
    await caughtUp();
    expect(await parked()).toEqual([]);
    expect(await appliedOf('a')).toEqual([1]);
  });

  test('is parked without a call of the handler when it is invalid, also with a NUL in it', async () => {
    source.append(0, 'a\0b', { invalid: true, text: 'x\0y' });
    source.append(0, 'a\0b');
    source.append(0, 'c');
    start();
    await caughtUp();
    source.append(0, 'a\0b');
    source.append(0, 'c');
    await caughtUp();
    expect((await parked()).map(({ sequence }) => sequence)).toEqual([1, 2, 4]);
    expect((await parked())[0]).toMatchObject({ reason: 'quantity must be a number' });
    expect(await appliedOf('c')).toEqual([3, 5]);
    expect(await follower.applied()).toHaveLength(2);
  });

  test('blocks its key even where another key of the same batch is stored as the same text', async () => {
    source.append(0, 'a\ud800', { invalid: true });
    start();
    await caughtUp();
    await subscription.control.pause();
    source.append(0, 'a\ud800');
    source.append(0, 'a\ufffd');
    await subscription.control.resume();
    await caughtUp();
    expect((await parked()).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });
});

describe('an operator', () => {
  const parkThree = async () => {
    for (const key of ['bad', 'bad', 'good', 'bad']) source.append(0, key);
    poison.add('0@1');
    start();
    await caughtUp();
    poison.clear();
    return parked();
  };

  test('retries: each event of the chain counts once, in order', async () => {
    const [head] = await parkThree();
    expect(await subscription.parking.retry(head!.id, 'olga')).toEqual({
      applied: 3,
      parked: 0,
      reason: null,
    });
    expect(await appliedOf('bad')).toEqual([1, 2, 4]);
    expect(await parked()).toEqual([]);
    expect(await parkedCounts()).toEqual([0, 0]);
    expect((await parked('retried'))[0]).toMatchObject({ resolvedBy: 'olga', resolvedAt: expect.any(Date) });
    source.append(0, 'bad');
    await caughtUp();
    expect(await appliedOf('bad')).toEqual([1, 2, 4, 5]);
  });

  test('retries in vain: nothing counts, and the reason is the new one', async () => {
    const [head] = await parkThree();
    poison.add('0@1');
    expect(await subscription.parking.retry(head!.id, 'olga')).toMatchObject({ applied: 0, parked: 3 });
    expect((await parked())[0]).toMatchObject({ id: head!.id, attempts: 4 });
    expect(await appliedOf('bad')).toEqual([]);
  });

  test('retries while a grant is missing: the attempt does not count against the event', async () => {
    const [head] = await parkThree();
    await follower.pool.query('REVOKE INSERT ON applied FROM current_user');
    const retried = subscription.parking.retry(head!.id, 'olga');
    await expect(retried).rejects.toMatchObject({ code: 'unavailable' });
    await follower.pool.query('GRANT INSERT ON applied TO current_user');
    expect((await parked())[0]).toMatchObject({ id: head!.id, attempts: head!.attempts });
    expect(await subscription.parking.retry(head!.id, 'olga')).toMatchObject({ applied: 3 });
  });

  test('retries, and the chain stops at the next event that fails', async () => {
    const [head, second] = await parkThree();
    poison.add('0@2');
    const released = await subscription.parking.retry(head!.id, 'olga');
    expect(released).toEqual({ applied: 1, parked: 2, reason: 'cannot count 0@2' });
    expect((await parked())[0]).toMatchObject({ id: second!.id, reason: 'cannot count 0@2', attempts: 1 });
    expect(await appliedOf('bad')).toEqual([1]);
  });

  test('discards: the event never counts and is recorded, and those behind it count', async () => {
    const [head] = await parkThree();
    expect(await subscription.parking.discard(head!.id, 'olga')).toEqual({
      applied: 2,
      parked: 0,
      reason: null,
    });
    expect(await appliedOf('bad')).toEqual([2, 4]);
    expect(await parked('discarded')).toMatchObject([{ partition: 0, sequence: 1, resolvedBy: 'olga' }]);
  });

  test('is refused an event behind the head of a chain, and one that is resolved already', async () => {
    const [head, second] = await parkThree();
    await expect(subscription.parking.retry(second!.id, 'olga')).rejects.toMatchObject({ code: 'conflict' });
    await expect(subscription.parking.discard(second!.id, 'olga')).rejects.toThrow(
      `behind event ${head!.id}`,
    );
    await subscription.parking.retry(head!.id, 'olga');
    await expect(subscription.parking.retry(head!.id, 'olga')).rejects.toMatchObject({ code: 'conflict' });
    await expect(subscription.parking.retry('999999', 'olga')).rejects.toMatchObject({ code: 'not-found' });
    expect(await appliedOf('bad')).toEqual([1, 2, 4]);
  });

  test('loses none and doubles none while new events of the key keep coming', async () => {
    source.append(0, 'bad');
    poison.add('0@1');
    start({ batchEvents: 3 });
    await caughtUp();
    const [head] = await parked();
    let appending = true;
    const writer = (async () => {
      for (let i = 0; (appending && i < 2_000) || i < 200; i += 1) {
        source.append(0, 'bad');
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await until(async () => (await parkedCounts())[0]! > 20);
    poison.clear();
    const outcomes = await Promise.allSettled(
      [1, 2, 3].map(() => subscription.parking.retry(head!.id, 'olga')),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    appending = false;
    await writer;
    await caughtUp();
    expect(await parkedCounts()).toEqual([0, 0]);
    expect(await appliedOf('bad')).toEqual(source.events[0]!.map((event) => Number(event.sequence)));
  });
});

test('stops when too many are parked, keeps the limit, and continues once some are resolved', async () => {
  for (let i = 1; i <= 20; i += 1) source.append(0, `bad-${i}`, { invalid: true });
  source.append(0, 'good');
  start({ parkedEvents: 5 });
  await until(() => subscription.control.state?.stopped === 'too-many-parked');
  expect(await parked()).toHaveLength(5);
  expect(await follower.positions('test')).toMatchObject({ 0: 5 });
  for (const { id } of await parked()) await subscription.parking.discard(id, 'olga');
  await subscription.control.resume();
  await until(async () => (await parked()).length === 5);
  expect(await follower.positions('test')).toMatchObject({ 0: 10 });
});
