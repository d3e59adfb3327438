import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openTcpProxy } from '@micromart/testing/tcp-proxy';
import { until } from '@micromart/testing/until';
import type { Limits } from './limits.ts';
import { type ReceivedHeads, SourceReplaced, type Transport } from './sources/event-source.ts';
import type { Subscription } from './subscription.ts';
import { createTestBroker, type TestBroker } from './testing/broker.ts';
import { openTestFollower, type StartOptions, type TestFollower } from './testing/follower.ts';
import { createTestSource, type TestSource } from './testing/source.ts';

let follower: TestFollower;
let started: Subscription[] = [];

beforeAll(async () => {
  follower = await openTestFollower();
});
afterAll(() => follower.close());
beforeEach(() => follower.empty());
afterEach(async () => {
  await Promise.all(started.map((subscription) => subscription.close()));
  started = [];
});

const start = (options: StartOptions): Subscription => {
  const subscription = follower.start({ ...options, limits: { headWaitS: 1, ...options.limits } });
  started.push(subscription);
  return subscription;
};

const hasCaughtUp = (source: TestSource) => follower.hasCaughtUp(source);
const expectExact = async (source: TestSource) => expect(await follower.differences(source)).toEqual([]);

const storedHeads = async () =>
  (await follower.pool.query<{ head: number }>('SELECT head FROM subscription_positions')).rows.map(
    ({ head }) => head,
  );

describe('over the feed alone', () => {
  test('applies everything once, from the beginning and as it comes, in batches of all partitions', async () => {
    const source = createTestSource({ partitions: 4 });
    source.appendMany(3_000);
    start({ source, limits: { pageEvents: 200, bufferedEvents: 400 } });
    await until(() => hasCaughtUp(source));
    source.appendMany(50);
    await until(() => hasCaughtUp(source));
    await expectExact(source);
  });

  test('does not take a page that is full by its bytes for the end of a partition', async () => {
    const source = createTestSource({ partitions: 4, fullPage: 3 });
    source.appendMany(200);
    start({ source, limits: { batchBytes: 1, bufferedBytes: 1 } });
    await until(() => hasCaughtUp(source));
    await expectExact(source);
  });

  test('waits while the owner is unavailable, and continues when it is back', async () => {
    const source = createTestSource({ partitions: 2 });
    start({ source });
    source.appendMany(10);
    await until(() => hasCaughtUp(source));
    source.setUnavailable(true);
    source.appendMany(10);
    await until(() => source.refusals >= 2);
    source.setUnavailable(false);
    await until(() => hasCaughtUp(source));
    await expectExact(source);
  });

  test('does not wait with other partitions for one whose pages fail', async () => {
    const source = createTestSource({ partitions: 2, fullPage: 1 });
    const events = 20;
    for (let n = 0; n < events; n += 1) source.append(1, 'a');
    source.append(0, 'b');
    let refusals = 0;
    let isBroken = true;
    const subscription = start({
      source: {
        ...source,
        async page(wanted) {
          if (!isBroken || wanted.partition !== 0) return source.page(wanted);
          refusals += 1;
          throw new Error('this page is broken');
        },
      },
    });
    await until(async () => (await follower.positions('test'))[1] === events);
    expect(refusals).toBeLessThan(events);
    await until(() => subscription.waiting()?.reason.includes('feed: this page is broken'));
    isBroken = false;
    await until(() => hasCaughtUp(source));
    await expectExact(source);
    await until(() => subscription.waiting() === undefined);
  });

  test('skips events of an unknown type', async () => {
    const source = createTestSource({ partitions: 1 });
    source.append(0, 'a', {}, 'test.from-the-future');
    source.append(0, 'a');
    start({ source });
    await until(() => hasCaughtUp(source));
    expect(await follower.applied()).toEqual([{ partition: 0, sequence: 2, key: 'a' }]);
  });
});

describe('with a transport', () => {
  const quick = { graceMs: 100, unassignedMs: 100 };
  let source: TestSource;
  let broker: TestBroker;
  beforeEach(() => {
    source = createTestSource({ partitions: 4 });
    broker = createTestBroker({ partitions: 4 });
  });
  const publishMany = (count: number) => broker.publish(source.log, source.appendMany(count));
  const join = (limits: Partial<Limits> = {}) => start({ source, transport: broker.transport(), limits });
  const countOf = (metric: string) => follower.counted(metric);

  test('counts the events that the transport lost, in the middle and at the end', async () => {
    const before = await countOf('subscription_healed_total');
    const events = Array.from({ length: 10 }, () => source.append(0, 'a'));
    broker.publish(source.log, [events[0]!, events[4]!, events[5]!]);
    join(quick);
    await until(() => hasCaughtUp(source));
    await expectExact(source);
    expect(await countOf('subscription_healed_total')).toBe(before + 7);
  });

  test('divides the partitions among the instances, and each applies its own', async () => {
    const both = [join(), join()];
    await until(() => both.every((one) => one.assigned()?.size === 2));
    await until(() => both.some((one) => one.isLeader()));
    const refusals = await countOf('subscription_fence_refusals_total');
    publishMany(200);
    await until(() => hasCaughtUp(source));
    await expectExact(source);
    expect(await countOf('subscription_fence_refusals_total')).toBe(refusals);
  });

  test('follows the feed while the broker is unavailable, and the broker when it is back', async () => {
    const one = join({ unassignedMs: 100 });
    publishMany(20);
    await until(() => hasCaughtUp(source));
    broker.setUnavailable(true);
    source.appendMany(40);
    await until(() => hasCaughtUp(source));
    broker.setUnavailable(false);
    await until(() => one.assigned());
    const healed = await countOf('subscription_healed_total');
    publishMany(40);
    await until(() => hasCaughtUp(source));
    await expectExact(source);
    expect(await countOf('subscription_healed_total')).toBe(healed);
  });

  test('fetches the events of a partition whose instance does nothing', async () => {
    const dead: Transport = {
      async run(handler, signal) {
        handler.assign([0, 1, 2, 3]);
        await once(signal, 'abort');
      },
    };
    const none: Transport = {
      async run(handler, signal) {
        handler.assign([]);
        await once(signal, 'abort');
      },
    };
    const leader = start({ source, transport: none, limits: quick });
    await until(() => leader.isLeader());
    start({ source, transport: dead });
    source.appendMany(40);
    await until(() => hasCaughtUp(source));
    await expectExact(source);
  });

  test('refuses at the fence an instance that applies what another has applied', async () => {
    const before = await countOf('subscription_fence_refusals_total');
    const everywhere = (): Transport => ({
      async run(handler, signal) {
        handler.assign([0, 1, 2, 3]);
        for (const [partition, events] of source.events.entries())
          await handler.deliver(source.log, partition, events, signal);
        await once(signal, 'abort');
      },
    });
    source.appendMany(4_000);
    for (let i = 0; i < 3; i += 1) start({ source, transport: everywhere(), limits: { batchEvents: 5 } });
    await until(() => hasCaughtUp(source));
    await expectExact(source);
    expect(await countOf('subscription_fence_refusals_total')).toBeGreaterThan(before);
  });

  test('accepts nothing while it is paused, and fetches nothing from the feed when it is resumed', async () => {
    const one = join();
    publishMany(20);
    await until(() => hasCaughtUp(source));
    const healed = await countOf('subscription_healed_total');
    await one.control.pause();
    publishMany(40);
    await until(async () => (await storedHeads()).every((head) => head === 15));
    expect(await follower.applied()).toHaveLength(20);
    await one.control.resume();
    await until(() => hasCaughtUp(source));
    await expectExact(source);
    expect(await countOf('subscription_healed_total')).toBe(healed);
  });
});

describe('when the database fails', () => {
  test('parks nothing when its connection is killed in the middle of a batch', async () => {
    const source = createTestSource({ partitions: 2 });
    source.appendMany(20);
    const holder = await follower.pool.connect();
    start({ source });
    for (let kills = 0; kills < 3; kills += 1) {
      await holder.query('BEGIN; LOCK TABLE applied');
      source.appendMany(20);
      const killWaiting = async () =>
        (
          await follower.pool.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ 'INTO applied'`,
          )
        ).rowCount === 1;
      await until(killWaiting);
      await holder.query('COMMIT');
    }
    holder.release();
    await until(() => hasCaughtUp(source));
    await expectExact(source);
    expect((await follower.pool.query('SELECT FROM parked_events')).rowCount).toBe(0);
  });

  /** Makes every commit wait: a trigger that runs at the commit needs a lock that the test holds until `letGo`. */
  const holdCommits = async () => {
    const holder = await follower.pool.connect();
    await holder.query(`SELECT pg_advisory_lock(42);
      CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NULL; END';
      CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON applied DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION wait()`);
    return {
      waiting: async () =>
        (
          await holder.query(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'",
          )
        ).rowCount === 1,
      async letGo() {
        await holder.query('SELECT pg_advisory_unlock(42)');
        await until(async () => (await follower.applied()).length > 0);
        await holder.query('DROP FUNCTION wait CASCADE');
        holder.release();
      },
    };
  };

  test('applies a batch once when its commit succeeded but the answer was lost', async () => {
    const { hostname: host, port } = new URL(follower.url);
    const proxy = await openTcpProxy({ host, port: Number(port) });
    const url = new URL(follower.url);
    url.port = String(proxy.port);
    const source = createTestSource({ partitions: 2 });
    const commits = await holdCommits();
    source.appendMany(10);
    const subscription = start({ source, url: url.href });
    await until(commits.waiting);
    proxy.cutReplies();
    await commits.letGo();
    expect(await follower.applied()).toHaveLength(10);
    proxy.restore();
    source.appendMany(10);
    await until(() => hasCaughtUp(source));
    await expectExact(source);
    await subscription.close();
    await proxy.close();
  });
});

describe('several instances', () => {
  test('let one apply, and another take over when it closes', async () => {
    const source = createTestSource({ partitions: 2 });
    const first = start({ source });
    await until(() => first.isLeader());
    const second = start({ source });
    source.appendMany(10);
    await until(() => hasCaughtUp(source));
    expect(second.isLeader()).toBe(false);
    await first.close();
    await until(() => second.isLeader());
    source.appendMany(10);
    await until(() => hasCaughtUp(source));
    await expectExact(source);
  });

  test('stay exact while leadership moves from one to the other again and again', async () => {
    const source = createTestSource({ partitions: 3 });
    start({ source, limits: { batchEvents: 7 } });
    start({ source, limits: { batchEvents: 7 } });
    for (let i = 0; i < 5; i += 1) {
      source.appendMany(40);
      await until(() => started.some((one) => one.isLeader()));
      await follower.pool.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'lock of%' AND datname = current_database()",
      );
    }
    await until(() => hasCaughtUp(source));
    await expectExact(source);
  });
});

describe('when the source is replaced', () => {
  const stopped = () => until(async () => (await reason()) !== null);
  const reason = async () =>
    (await follower.pool.query('SELECT stopped FROM subscriptions')).rows[0]?.stopped;

  test.each<[string, (source: TestSource) => void]>([
    ['it is another log', (source) => source.replace('test-2')],
    ['its head lies below the position', (source) => source.restore(0, 3)],
  ])(
    'stops for good when %s, also after a restart and when the heads grow beyond the position',
    async (_, replace) => {
      const source = createTestSource({ partitions: 2 });
      source.appendMany(20);
      const subscription = start({ source });
      await until(() => hasCaughtUp(source));
      const before = await follower.applied();
      replace(source);
      await stopped();
      expect(await reason()).toBe('source-replaced');
      source.appendMany(100);
      await subscription.close();
      const again = start({ source });
      await until(() => again.control.state?.stopped === 'source-replaced');
      await again.control.resume();
      expect(again.control.isActive()).toBe(false);
      expect(await follower.applied()).toEqual(before);
    },
  );

  const heads = (...last: number[]) => ({ at: new Date(), last: new Map(last.entries()) });
  test.each<[string, (heads: ReceivedHeads) => ReceivedHeads]>([
    ['of another log', (answer) => ({ ...answer, log: 'test-2' })],
    ['below its position', (answer) => ({ ...answer, ...heads(3, 3) })],
    ['of fewer partitions', (answer) => ({ ...answer, ...heads(10) })],
  ])('continues when one process of the owner answers with heads %s, and others do not', async (_, spoil) => {
    const source = createTestSource({ partitions: 2 });
    source.appendMany(20);
    const { watch } = source;
    let asked = 0;
    let spoilt = 0;
    let isSpoiling = false;
    source.watch = async function* (request) {
      asked += 1;
      const isSpoilt = isSpoiling && asked % 2 === 0;
      for await (const answer of watch(request)) {
        if (isSpoilt) spoilt += 1;
        yield isSpoilt ? spoil(answer) : answer;
        if (!isSpoilt) return;
      }
    };
    const subscription = start({ source, limits: { confirmReplacedMs: 0 } });
    await until(() => hasCaughtUp(source));
    isSpoiling = true;
    await until(() => spoilt > 3);
    source.appendMany(20);
    await until(() => hasCaughtUp(source));
    expect(await reason()).toBeNull();
    expect(subscription.control.isActive()).toBe(true);
    await expectExact(source);
  });

  test('continues when one process of the owner says that a page is gone, and others do not', async () => {
    const source = createTestSource({ partitions: 2 });
    const { page } = source;
    let asked = 0;
    source.page = async (request) => {
      asked += 1;
      if (asked % 2 === 1) throw new SourceReplaced('gone');
      return page(request);
    };
    start({ source, limits: { pageEvents: 5, pagesAtOnce: 1 } });
    source.appendMany(60);
    await until(() => hasCaughtUp(source));
    expect(asked).toBeGreaterThan(10);
    expect(await reason()).toBeNull();
    await expectExact(source);
  });

  test('stops when it asks for a page that the owner no longer has', async () => {
    const source = createTestSource({ partitions: 1 });
    source.appendMany(20);
    const { watch } = source;
    let headsAreOld = false;
    source.watch = async function* (request) {
      for await (const answer of watch(request))
        yield headsAreOld ? { ...answer, last: new Map([[0, 30]]) } : answer;
    };
    start({ source, limits: { headWaitS: 1 } });
    await until(() => hasCaughtUp(source));
    // The heads still belong to the old history; the pages do not.
    headsAreOld = true;
    source.restore(0, 3);
    await stopped();
    expect(await reason()).toBe('source-replaced');
  });
});

test('does not take heads that arrive late for an older history', async () => {
  const source = createTestSource({ partitions: 1 });
  source.appendMany(5);
  const { watch } = source;
  let late = 0;
  // The transport brings newer events while these heads are on their way: the first two answers of each of two requests.
  source.watch = async function* (request) {
    for await (const answer of watch(request)) {
      if (request.after.size > 0 && late < 4) {
        late += 1;
        source.appendMany(5);
        await until(() => hasCaughtUp(source));
      }
      yield answer;
      if (request.after.size === 0 || late === 2) return;
    }
  };
  const transport: Transport = {
    async run(handler, signal) {
      handler.assign([0]);
      for (let next = 0; !signal.aborted; await new Promise((resolve) => setImmediate(resolve)))
        for (; next < source.events[0]!.length; next += 1)
          await handler.deliver('test-1', 0, [source.events[0]![next]!], signal);
    },
  };
  const subscription = start({ source, transport });
  await until(() => hasCaughtUp(source));
  source.appendMany(5);
  await until(() => late === 4);
  source.appendMany(5);
  await until(() => hasCaughtUp(source));
  expect(subscription.control.isActive()).toBe(true);
  await expectExact(source);
});

describe('pause and resume', () => {
  test('apply to every instance, and lose nothing', async () => {
    const source = createTestSource({ partitions: 2 });
    const first = start({ source });
    const second = start({ source });
    source.appendMany(4);
    await until(() => hasCaughtUp(source));
    const [leader, standby] = first.isLeader() ? [first, second] : [second, first];
    await standby.control.pause();
    await until(() => leader.control.state?.paused);
    source.appendMany(4);
    await until(async () => (await storedHeads()).every((head) => head === 4));
    expect(await follower.applied()).toHaveLength(4);
    await standby.control.resume();
    await until(() => hasCaughtUp(source));
    await expectExact(source);
  });
});
