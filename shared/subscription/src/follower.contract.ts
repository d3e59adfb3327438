/**
 * What a follower promises over every transport; the tests of each transport run it. The topic loses, repeats and reorders
 * real messages, because they are published that way. Over the feed alone there is no topic, and all of this still holds.
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

/** A transport and the topic that it reads, opened for one test. */
export type TestTopic = {
  /** The transport of one instance; undefined over the feed alone. */
  transport(): Transport | undefined;
  /** Publishes exactly these events: those of the log that are left out are lost. */
  publish(log: string, events: readonly LoggedEvent[]): Promise<void>;
  /** Deletes the topic and creates it again. */
  recreate(): Promise<void>;
  close(): Promise<void>;
};

const PARTITIONS = 4;
/** Fetches events lost at the end of the topic soon; but never for a missing assignment, so the topic delivers the rest. */
const QUICK: Partial<Limits> = { graceMs: 300, unassignedMs: 600_000, headWaitS: 1 };
/** Never fetches events lost at the end of the topic. */
const NEVER: Partial<Limits> = { ...QUICK, graceMs: 600_000 };

export function testFollowing(openTopic: (partitions: number) => Promise<TestTopic>): void {
  let follower: TestFollower;
  let topic: TestTopic;
  let source: TestSource;
  let running: Subscription[] = [];

  beforeAll(async () => {
    follower = await openTestFollower();
  });
  afterAll(() => follower.close());
  beforeEach(async () => {
    await follower.empty();
    topic = await openTopic(PARTITIONS);
    source = createTestSource({ partitions: PARTITIONS });
  });
  afterEach(async () => {
    await Promise.all(running.map((one) => one.close()));
    running = [];
    await topic.close();
  });

  function track(one: Subscription): Subscription {
    running.push(one);
    return one;
  }
  const startOverFeed = () => track(follower.start({ source, limits: QUICK }));
  function start(limits = QUICK): Subscription {
    const transport = topic.transport();
    return track(follower.start({ source, limits, ...(transport && { transport }) }));
  }
  async function stop(one: Subscription) {
    running = running.filter((other) => other !== one);
    await one.close();
  }
  const publishMany = (count: number) => topic.publish(source.log, source.appendMany(count));
  const caughtUp = () => until(() => follower.hasCaughtUp(source), { capMs: 40_000 });
  const expectExact = async () => expect(await follower.differences(source)).toEqual([]);

  test('applies every event once and in order, old ones and new ones', async () => {
    await publishMany(500);
    start();
    await caughtUp();
    await publishMany(50);
    await caughtUp();
    await expectExact();
  });

  test('fetches from the feed only what the topic has lost, also after a restart', async () => {
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
    batchBytes: fc.integer({ min: 1, max: 100 }),
    bufferedBytes: fc.integer({ min: 1, max: 100 }),
  });
  test('counts each event once, whatever is lost, repeated and reordered', async () => {
    await fc.assert(
      fc.asyncProperty(journeys(120), settings, async (journey, limits) => {
        const events = source.appendMany(journey.length);
        const one = start({ ...QUICK, ...limits });
        await topic.publish(source.log, travel(events, journey));
        await caughtUp();
        await stop(one);
        await expectExact();
      }),
      { numRuns: 4, seed: 20_261_122 },
    );
  });

  test('skips events of another log at the same positions', async () => {
    const other = createTestSource({ partitions: PARTITIONS, log: 'other-9' });
    const before = await follower.counted('subscription_events_applied_total');
    await topic.publish(other.log, other.appendMany(80));
    start();
    await publishMany(40);
    await topic.publish(other.log, other.appendMany(80));
    await publishMany(40);
    await caughtUp();
    await expectExact();
    expect(await follower.counted('subscription_events_applied_total')).toBe(before + 80);
  });

  test('fetches a lost event at the end of an idle partition', async () => {
    start();
    await publishMany(PARTITIONS);
    await caughtUp();
    source.append(0, 'lost');
    await caughtUp();
    await expectExact();
  });

  test('continues where it stopped when it is restarted with or without the transport', async () => {
    for (const startEither of [start, startOverFeed, start, startOverFeed]) {
      const one = startEither();
      await publishMany(60);
      await caughtUp();
      await stop(one);
      await publishMany(20);
    }
    start();
    await caughtUp();
    await expectExact();
  });

  test('continues when the topic is deleted and created again', async () => {
    start();
    await publishMany(400);
    await until(async () => (await follower.applied()).length > 100);
    await topic.recreate();
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

  test('knows the As-Of of all partitions in one instance, whichever instance applies them', async () => {
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
