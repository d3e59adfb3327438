/**
 * What a follower keeps whichever way its events come, run by the tests of each way. What the topic is made to lose,
 * repeat and reorder are real messages, published so; over the feed alone there is no topic, and all of it holds as well.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { LoggedEvent } from '@micromart/events/envelope';
import { until } from '@micromart/testing/until';
import fc from 'fast-check';
import type { Limits } from './limits.ts';
import type { Transport } from './sources/event-source.ts';
import { readStatus } from './status.ts';
import type { Subscription } from './subscription.ts';
import { openTestFollower, type TestFollower } from './testing/follower.ts';
import { journeys, travel } from './testing/journey.ts';
import { createTestSource, type TestSource } from './testing/source.ts';

/** A way for events to come, opened for one test. */
export type EventRoute = {
  /** An instance's; undefined where the owner's feed is the only way. */
  transport(): Transport | undefined;
  /** Puts events into the topic as they are given: what is left out is lost. */
  publish(log: string, events: readonly LoggedEvent[]): Promise<void>;
  /** Deletes the topic and makes it anew. */
  recreate(): Promise<void>;
  close(): Promise<void>;
};

const PARTITIONS = 4;
/** What the topic has lost at its end comes soon; but nothing for want of a place, so that it brings what it has. */
const QUICK: Partial<Limits> = { graceMs: 300, awayMs: 600_000, headWaitS: 1 };
/** It does not come. */
const NEVER: Partial<Limits> = { ...QUICK, graceMs: 600_000 };

export function testFollowing(openRoute: (partitions: number) => Promise<EventRoute>): void {
  let follower: TestFollower;
  let route: EventRoute;
  let source: TestSource;
  let running: Subscription[] = [];

  beforeAll(async () => {
    follower = await openTestFollower();
  });
  afterAll(() => follower.close());
  beforeEach(async () => {
    await follower.empty();
    route = await openRoute(PARTITIONS);
    source = createTestSource({ partitions: PARTITIONS });
  });
  afterEach(async () => {
    await Promise.all(running.map((one) => one.close()));
    running = [];
    await route.close();
  });

  function keep(one: Subscription): Subscription {
    running.push(one);
    return one;
  }
  const startOverFeed = () => keep(follower.start({ source, limits: QUICK }));
  function start(limits = QUICK): Subscription {
    const transport = route.transport();
    return keep(follower.start({ source, limits, ...(transport && { transport }) }));
  }
  async function stop(one: Subscription) {
    running = running.filter((other) => other !== one);
    await one.close();
  }
  const publishMany = (count: number) => route.publish(source.log, source.appendMany(count));
  const caughtUp = () => until(() => follower.hasCaughtUp(source), { capMs: 40_000 });
  const expectExact = async () => expect(await follower.differences(source)).toEqual([]);

  test('applies every event once and in order, those that are there and those that come', async () => {
    await publishMany(500);
    start();
    await caughtUp();
    await publishMany(50);
    await caughtUp();
    await expectExact();
  });

  test('takes nothing from the feed but what the topic has lost, also when it is started again', async () => {
    const before = await follower.counted('subscription_healed_total');
    await publishMany(300);
    for (let round = 0; round < 3; round += 1) {
      const one = start(NEVER);
      await publishMany(300);
      await caughtUp();
      await stop(one);
    }
    await expectExact();
    expect(await follower.counted('subscription_healed_total')).toBe(before);
  });

  const settings = fc.record({
    batchEvents: fc.integer({ min: 1, max: 40 }),
    bufferedEvents: fc.integer({ min: 2, max: 40 }),
  });
  test('counts each event once, whatever is lost, repeated and reordered', async () => {
    await fc.assert(
      fc.asyncProperty(journeys(120), settings, async (journey, limits) => {
        const events = source.appendMany(journey.length);
        const one = start({ ...QUICK, ...limits });
        await route.publish(source.log, travel(events, journey));
        await caughtUp();
        await stop(one);
        await expectExact();
      }),
      { numRuns: 4, seed: 20_261_122 },
    );
  });

  test('leaves out what another log has in the same places', async () => {
    const other = createTestSource({ partitions: PARTITIONS, log: 'other-9' });
    const before = await follower.counted('subscription_events_applied_total');
    await route.publish(other.log, other.appendMany(80));
    start();
    await publishMany(40);
    await route.publish(other.log, other.appendMany(80));
    await publishMany(40);
    await caughtUp();
    await expectExact();
    expect(await follower.counted('subscription_events_applied_total')).toBe(before + 80);
  });

  test('gets the last event of an idle partition that was lost', async () => {
    start();
    await publishMany(PARTITIONS);
    await caughtUp();
    source.append(0, 'lost');
    await caughtUp();
    await expectExact();
  });

  test('goes on where it stopped when it is started with the other way, either way', async () => {
    for (const startAgain of [start, startOverFeed, start, startOverFeed]) {
      const one = startAgain();
      await publishMany(60);
      await caughtUp();
      await stop(one);
      await publishMany(20);
    }
    start();
    await caughtUp();
    await expectExact();
  });

  test('goes on when the topic is deleted and made anew', async () => {
    start();
    await publishMany(400);
    await until(async () => (await follower.applied()).length > 100);
    await route.recreate();
    await publishMany(100);
    await caughtUp();
    await publishMany(20);
    await caughtUp();
    await expectExact();
  });

  test('stays exact while its instances come and go', async () => {
    const limits = { ...QUICK, batchEvents: 20 };
    for (let i = 0; i < 3; i += 1) start(limits);
    for (let round = 0; round < 10; round += 1) {
      await publishMany(120);
      await until(async () => (await follower.applied()).length > round * 120);
      await Promise.all([stop(running[round % running.length]!), publishMany(30)]);
      start(limits);
    }
    await caughtUp();
    await expectExact();
  });

  test('knows in one instance as of when all partitions are, whoever applies them', async () => {
    start(NEVER);
    start(NEVER);
    await publishMany(40);
    await caughtUp();
    const { rows } = await follower.pool.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    await until(async () => {
      const [status] = await readStatus(follower.pool, ['test']);
      return status?.partitions.every(
        ({ asOf, state }) => state === 'current' && asOf && asOf > rows[0]!.now,
      );
    });
  });

  test('stops when the owner has another log, whichever instance finds out', async () => {
    start();
    start();
    await publishMany(40);
    await caughtUp();
    const before = await follower.applied();
    source.replace('test-2');
    await publishMany(80);
    await until(async () => (await readStatus(follower.pool, ['test']))[0]?.stopped === 'source-replaced');
    expect(await follower.applied()).toEqual(before);
  });
}
