import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openTcpProxy } from '../testing/tcp-proxy.ts';
import { until } from '../testing/until.ts';
import type { Transport } from './source.ts';
import type { Subscription } from './subscription.ts';
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

const lengths = (source: TestSource) => source.events.map((list) => list.length);
const hasCaughtUp = async (source: TestSource, name = 'test') => {
  const positions = await follower.positions(name);
  return lengths(source).every((last, partition) => positions[partition] === last);
};
/** Every event of the source exactly once, and those of a partition in order. */
const expectExact = async (source: TestSource) => {
  const applied = await follower.applied();
  for (const [partition, list] of source.events.entries())
    expect(applied.filter((one) => one.partition === partition).map((one) => one.sequence)).toEqual(
      list.map((event) => Number(event.sequence)),
    );
};
const appendMany = (source: TestSource, count: number) => {
  for (let i = 0; i < count; i += 1) source.append(i % lengths(source).length, `key-${i % 7}`);
};

describe('over the feed alone', () => {
  test('applies everything once, from the beginning and as it comes, in batches of all partitions', async () => {
    const source = createTestSource({ partitions: 4 });
    appendMany(source, 3_000);
    start({ source, limits: { pageEvents: 200, bufferedEvents: 400 } });
    await until(() => hasCaughtUp(source));
    appendMany(source, 50);
    await until(() => hasCaughtUp(source));
    await expectExact(source);
  });

  test('waits while the owner is away, and goes on when it is back', async () => {
    const source = createTestSource({ partitions: 2 });
    start({ source });
    appendMany(source, 10);
    await until(() => hasCaughtUp(source));
    source.setAway(true);
    appendMany(source, 10);
    await until(() => source.refusals >= 2);
    source.setAway(false);
    await until(() => hasCaughtUp(source));
    await expectExact(source);
  });

  test('lets events of an unknown type pass by', async () => {
    const source = createTestSource({ partitions: 1 });
    source.append(0, 'a', {}, 'test.from-the-future');
    source.append(0, 'a');
    start({ source });
    await until(() => hasCaughtUp(source));
    expect(await follower.applied()).toEqual([{ partition: 0, sequence: 2, key: 'a' }]);
  });
});

describe('with a transport that promises nothing', () => {
  /** Delivers the source's events as a plan says: which of them, how often, in which order. */
  const unreliable = (
    source: TestSource,
    plan: readonly { partition: number; sequence: number }[],
  ): Transport => ({
    async run({ deliver, signal }) {
      for (const { partition, sequence } of plan) {
        const event = source.events[partition]?.[sequence - 1];
        if (event) await deliver(source.log, partition, [event]);
        await deliver('another-log', partition, event ? [event] : []);
      }
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
  });

  const plans = fc.integer({ min: 1, max: 80 }).chain((size) =>
    fc.record({
      size: fc.constant(size),
      plan: fc
        .array(fc.record({ lost: fc.nat(4), shifts: fc.array(fc.nat(10), { minLength: 1, maxLength: 5 }) }), {
          minLength: size,
          maxLength: size,
        })
        .map((fates) =>
          fates
            .flatMap(({ lost, shifts }, i) =>
              lost === 0 ? [] : shifts.map((shift) => ({ i, at: i + shift })),
            )
            .sort((a, b) => a.at - b.at)
            .map(({ i }) => ({ partition: i % 3, sequence: Math.floor(i / 3) + 1 })),
        ),
      batchEvents: fc.integer({ min: 1, max: 40 }),
      bufferedEvents: fc.integer({ min: 2, max: 40 }),
    }),
  );

  test('counts each event once, in order, whatever is lost, repeated and reordered', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async ({ size, plan, batchEvents, bufferedEvents }) => {
        await follower.empty();
        const source = createTestSource({ partitions: 3 });
        appendMany(source, size);
        const subscription = follower.start({
          source,
          transport: unreliable(source, plan),
          limits: { batchEvents, bufferedEvents, pageEvents: 10, graceMs: 20, headWaitS: 1 },
        });
        try {
          await until(() => hasCaughtUp(source));
          await expectExact(source);
        } finally {
          await subscription.close();
        }
      }),
      { numRuns: 12, seed: 20_261_101 },
    );
  });

  test('fetches a hole before anything later, and a lost end once it has been silent', async () => {
    const source = createTestSource({ partitions: 1 });
    appendMany(source, 6);
    const plan = [1, 4].map((sequence) => ({ partition: 0, sequence }));
    start({ source, transport: unreliable(source, plan), limits: { graceMs: 50 } });
    await until(() => hasCaughtUp(source));
    await expectExact(source);
    expect(await follower.registry.metrics()).toMatch(
      /subscription_healed_total\{subscription="test",kind="hole"\} [1-9]/,
    );
  });
});

describe('when the database has trouble', () => {
  test('parks nothing when its connection is killed in the middle of a batch', async () => {
    const source = createTestSource({ partitions: 2 });
    appendMany(source, 20);
    let kills = 0;
    follower.onApply = async () => {
      if (kills >= 3) return;
      kills += 1;
      await follower.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND state = 'idle in transaction'`,
      );
    };
    start({ source });
    await until(() => hasCaughtUp(source));
    await expectExact(source);
    expect(kills).toBe(3);
    expect((await follower.pool.query('SELECT FROM parked_events')).rowCount).toBe(0);
  });

  test('is not in the way of its successor when it freezes in the middle of a batch', async () => {
    const source = createTestSource({ partitions: 1 });
    appendMany(source, 5);
    const holder = async () =>
      (
        await follower.pool.query<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity
           WHERE datname = current_database() AND state = 'idle in transaction'`,
        )
      ).rows[0]?.pid;
    let frozen = 0;
    // It holds the positions; nothing is heard of it any more until the server has ended its transaction.
    follower.onApply = async () => {
      frozen += 1;
      if (frozen > 1) return;
      const pid = await holder();
      await until(async () => (await holder()) !== pid);
    };
    start({ source });
    await until(() => hasCaughtUp(source));
    await expectExact(source);
    expect(frozen).toBe(2);
  });

  /** Has every commit wait until it is let go: a trigger that runs at the commit needs a lock that we hold. */
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
            `SELECT FROM pg_stat_activity
             WHERE datname = current_database() AND query = 'COMMIT' AND wait_event = 'advisory'`,
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

  test('applies a batch once whose commit succeeded without anybody being told', async () => {
    const { hostname: host, port } = new URL(follower.url);
    const proxy = await openTcpProxy({ host, port: Number(port) });
    const url = new URL(follower.url);
    url.port = String(proxy.port);
    const source = createTestSource({ partitions: 2 });
    const commits = await holdCommits();
    appendMany(source, 10);
    const subscription = start({ source, url: url.href });
    await until(commits.waiting);
    proxy.cutReplies();
    await commits.letGo();
    expect(await follower.applied()).toHaveLength(10);
    proxy.restore();
    appendMany(source, 10);
    await until(() => hasCaughtUp(source));
    await expectExact(source);
    await subscription.close();
    await proxy.close();
  });
});

describe('several instances', () => {
  test('let one apply, and another take over when it goes', async () => {
    const source = createTestSource({ partitions: 2 });
    const first = start({ source });
    await until(() => first.isLeader());
    const second = start({ source });
    appendMany(source, 10);
    await until(() => hasCaughtUp(source));
    expect(second.isLeader()).toBe(false);
    await first.close();
    await until(() => second.isLeader());
    appendMany(source, 10);
    await until(() => hasCaughtUp(source));
    await expectExact(source);
  });

  test('stay exact when the lead is torn from one to the other again and again', async () => {
    const source = createTestSource({ partitions: 3 });
    start({ source, limits: { batchEvents: 7 } });
    start({ source, limits: { batchEvents: 7 } });
    for (let i = 0; i < 5; i += 1) {
      appendMany(source, 40);
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
    ['another log stands in its place', (source) => source.replace('test-2')],
    ['its head lies below the position', (source) => source.restore(0, 3)],
  ])(
    'stops for good when %s, also when it is started again and the heads grow beyond',
    async (_, replace) => {
      const source = createTestSource({ partitions: 2 });
      appendMany(source, 20);
      const subscription = start({ source });
      await until(() => hasCaughtUp(source));
      const before = await follower.applied();
      replace(source);
      await stopped();
      expect(await reason()).toBe('source-replaced');
      appendMany(source, 100);
      await subscription.close();
      const again = start({ source });
      await until(() => again.control.state?.stopped === 'source-replaced');
      await again.control.resume();
      expect(again.control.isActive()).toBe(false);
      expect(await follower.applied()).toEqual(before);
    },
  );

  test('stops when a page is asked for that the owner does not have any more', async () => {
    const source = createTestSource({ partitions: 1 });
    appendMany(source, 20);
    const heads = source.heads;
    start({ source });
    await until(() => hasCaughtUp(source));
    // The heads still tell of the old history; the pages do not.
    source.heads = async (request) => ({ ...(await heads(request)), last: new Map([[0, 30]]) });
    source.restore(0, 3);
    await stopped();
    expect(await reason()).toBe('source-replaced');
  });
});

test('takes no late answer about the heads for an older history', async () => {
  const source = createTestSource({ partitions: 1 });
  appendMany(source, 5);
  const { heads } = source;
  let late = false;
  source.heads = async (request) => {
    if (request.after.get(0) !== 5 || late) return heads(request);
    late = true;
    const said = await heads({ ...request, after: new Map() });
    appendMany(source, 5);
    await until(() => hasCaughtUp(source));
    return said;
  };
  const transport: Transport = {
    async run({ deliver, signal }) {
      for (let next = 0; !signal.aborted; await new Promise((resolve) => setImmediate(resolve)))
        for (; next < source.events[0]!.length; next += 1)
          await deliver('test-1', 0, [source.events[0]![next]!]);
    },
  };
  const subscription = start({ source, transport });
  await until(() => late && hasCaughtUp(source));
  appendMany(source, 5);
  await until(() => hasCaughtUp(source));
  expect(subscription.control.isActive()).toBe(true);
  await expectExact(source);
});

describe('pause and resume', () => {
  const heads = async () =>
    (await follower.pool.query<{ head: number }>('SELECT head FROM subscription_positions')).rows.map(
      ({ head }) => head,
    );

  test('hold for every instance, and lose nothing', async () => {
    const source = createTestSource({ partitions: 2 });
    const first = start({ source });
    const second = start({ source });
    appendMany(source, 4);
    await until(() => hasCaughtUp(source));
    const [leader, standby] = first.isLeader() ? [first, second] : [second, first];
    await standby.control.pause();
    await until(() => leader.control.state?.paused);
    appendMany(source, 4);
    await until(async () => (await heads()).every((head) => head === 4));
    expect(await follower.applied()).toHaveLength(4);
    await standby.control.resume();
    await until(() => hasCaughtUp(source));
    await expectExact(source);
  });
});
