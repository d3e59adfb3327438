import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '@micromart/testing/until';
import type { RecordAct } from '../acts/acts.ts';
import type { Subscription } from '../subscription.ts';
import { openTestFollower, type TestFollower } from '../testing/follower.ts';
import { createTestSource, type TestSource } from '../testing/source.ts';

let follower: TestFollower;
let source: TestSource;
let subscription: Subscription;
/** Why the handler fails on an event of a key; undefined where it does not. */
let faults: (key: string, sequence: string) => string | undefined;

beforeAll(async () => {
  follower = await openTestFollower();
});
afterAll(() => follower.close());
beforeEach(async () => {
  await follower.empty();
  source = createTestSource({ partitions: 2 });
  faults = () => undefined;
  follower.onApply = (events) => {
    for (const { partitionkey, sequence } of events) {
      const fault = faults(partitionkey, sequence);
      if (fault) throw new Error(fault);
    }
  };
});
afterEach(() => subscription.close());

const follow = async () => {
  subscription = follower.start({ source, limits: { headWaitS: 1, parkedEvents: 5_000 } });
  await until(() => follower.hasCaughtUp(source));
};
const appliedOf = async (key: string) =>
  (await follower.applied()).filter((one) => one.key === key).map((one) => one.sequence);
const parkedCounts = async () => {
  const { rows } = await follower.pool.query<{ stored: number; counted: number }>(
    `SELECT p.parked AS stored, (SELECT count(*) FROM parked_events e
       WHERE e.subscription = p.subscription AND e.partition = p.partition AND e.state = 'parked') AS counted
     FROM subscription_positions p`,
  );
  for (const { stored, counted } of rows) expect(stored).toBe(counted);
  return rows.reduce((sum, { counted }) => sum + counted, 0);
};

describe('a retry of many', () => {
  test('applies a thousand events that a mistake has parked, each key in its order', async () => {
    for (let n = 0; n < 1_000; n += 1) source.append(n % 2, `key-${n % 30}`);
    faults = () => 'the column is missing';
    await follow();
    expect(await parkedCounts()).toBe(1_000);
    faults = () => undefined;
    let applied = 0;
    for (let more = true, calls = 0; more && calls < 10; calls += 1) {
      const resolved = await subscription.parking.retryMany({ reason: 'the column' }, 'olga');
      applied += resolved.applied;
      more = resolved.more;
    }
    expect(applied).toBe(1_000);
    expect(await parkedCounts()).toBe(0);
    expect(await follower.applied()).toHaveLength(1_000);
    for (let n = 0; n < 30; n += 1) {
      const sequences = await appliedOf(`key-${n}`);
      expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
    }
  });

  test('goes by key and by how the reason begins, and stops a chain at the event that fails again', async () => {
    for (const key of ['a', 'b', 'a', 'c', 'a']) source.append(0, key);
    faults = (key) => `${key === 'c' ? 'another fault' : 'fault'} of ${key}`;
    await follow();
    faults = (key, sequence) => (key === 'a' && sequence === '3' ? 'fault of a still' : undefined);
    const retry = subscription.parking.retryMany;
    expect(await retry({ reason: 'fault', key: 'b' }, 'olga')).toMatchObject({ applied: 1, parked: 0 });
    expect(await retry({ reason: 'fault' }, 'olga')).toEqual({
      ...{ applied: 1, discarded: 0, parked: 2, more: false },
    });
    expect([await appliedOf('a'), await appliedOf('b'), await appliedOf('c')]).toEqual([[1], [2], []]);
    expect(await retry({}, 'olga')).toMatchObject({ applied: 1, parked: 2 });
    expect(await parkedCounts()).toBe(2);
  });

  test('resolves a chain longer than a transaction, and events without a key one by one', async () => {
    for (let n = 0; n < 450; n += 1) source.append(0, 'long');
    faults = () => 'not now';
    await follow();
    faults = () => undefined;
    const recorded: object[] = [];
    const record: RecordAct = async (_, result = {}) => {
      recorded.push(result);
    };
    expect(await subscription.parking.retryMany({ key: 'long' }, 'olga', record)).toMatchObject({
      ...{ applied: 450, parked: 0, more: false },
    });
    expect(recorded.length).toBeGreaterThan(4);
    expect(recorded.at(-1)).toMatchObject({ applied: 450 });
    expect(await appliedOf('long')).toEqual(Array.from({ length: 450 }, (_, n) => n + 1));
  });

  test('loses none and doubles none with two at a time, while new events of the keys keep coming', async () => {
    for (let n = 0; n < 300; n += 1) source.append(n % 2, `key-${n % 7}`);
    faults = () => 'not now';
    await follow();
    faults = () => undefined;
    const coming = (async () => {
      for (let n = 300; n < 900; n += 1) {
        source.append(n % 2, `key-${n % 7}`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const retry = () => subscription.parking.retryMany({}, 'olga');
    await Promise.all([retry(), retry(), coming]);
    await until(() => follower.hasCaughtUp(source));
    while ((await parkedCounts()) > 0) await retry();
    const positions = (await follower.applied()).map(({ partition, sequence }) => `${partition}@${sequence}`);
    expect(new Set(positions).size).toBe(900);
    expect(positions).toHaveLength(900);
    for (let n = 0; n < 7; n += 1)
      for (const partition of [0, 1]) {
        const its = (await follower.applied())
          .filter((one) => one.key === `key-${n}` && one.partition === partition)
          .map(({ sequence }) => sequence);
        expect(its).toEqual(its.toSorted((a, b) => a - b));
      }
  });
});

describe('a discard of many', () => {
  test('gives up what fails for the reason that is named, and applies the others', async () => {
    for (const key of ['a', 'a', 'a', 'b']) source.append(0, key);
    faults = (key) => `fault of ${key}`;
    await follow();
    faults = (key, sequence) => (key === 'a' && sequence === '3' ? 'fault of a' : undefined);
    expect(await subscription.parking.discardMany({ reason: 'fault of a' }, 'olga')).toEqual({
      ...{ applied: 1, discarded: 2, parked: 0, more: false },
    });
    expect(await appliedOf('a')).toEqual([2]);
    expect(await parkedCounts()).toBe(1);
  });

  test('gives up no event that was not tried, though its chain is longer than a transaction', async () => {
    for (let n = 0; n < 250; n += 1) source.append(0, 'long');
    faults = (_, sequence) => (sequence === '1' ? 'a bad event' : undefined);
    await follow();
    expect(await subscription.parking.discardMany({ reason: 'a bad' }, 'olga')).toEqual({
      ...{ applied: 249, discarded: 1, parked: 0, more: false },
    });
  });

  test('leaves what fails for another reason', async () => {
    for (const key of ['a', 'a']) source.append(0, key);
    faults = () => 'a bad event';
    await follow();
    faults = () => 'something else';
    expect(await subscription.parking.discardMany({ reason: 'a bad' }, 'olga')).toMatchObject({
      ...{ applied: 0, discarded: 1 },
    });
    expect(await parkedCounts()).toBe(1);
  });
});

test('a grant that is missing fails a bulk retry, and counts against no event', async () => {
  source.append(0, 'a');
  faults = () => 'not now';
  await follow();
  faults = () => undefined;
  await follower.pool.query('REVOKE INSERT ON applied FROM current_user');
  await expect(subscription.parking.retryMany({}, 'olga')).rejects.toMatchObject({ code: 'unavailable' });
  await follower.pool.query('GRANT INSERT ON applied TO current_user');
  expect(await subscription.parking.retryMany({}, 'olga')).toMatchObject({ applied: 1, parked: 0 });
});
