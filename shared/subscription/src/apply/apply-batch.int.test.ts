import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { LoggedEvent } from '@micromart/events/envelope';
import { inTransaction } from '@micromart/postgres/pool';
import { executeAll } from '@micromart/postgres/statement';
import { openTestFollower, type TestFollower } from '../testing/follower.ts';
import { testEvent } from '../testing/source.ts';
import { type ApplyBatch, createApplyBatch } from './apply-batch.ts';
import { toItem } from './batch-item.ts';
import { adoptLog } from './checkpoint.ts';
import { EventFault } from './event-fault.ts';
import { fence, StaleFence } from './fence.ts';

const NAME = 'test';
let follower: TestFollower;
let applyBatch: ApplyBatch<LoggedEvent>;

beforeAll(async () => {
  follower = await openTestFollower();
});
afterAll(() => follower.close());
beforeEach(async () => {
  await follower.empty();
  await follower.pool.query('INSERT INTO subscriptions (name) VALUES ($1)', [NAME]);
  const last = new Map([0, 1, 2].map((partition) => [partition, 0]));
  await adoptLog(follower.pool, NAME, { log: 'test-1', at: new Date(), last });
  const { pool, projection } = follower;
  applyBatch = createApplyBatch({ pool, subscription: NAME, projection, parkedEvents: 1_000 });
});

const run = (partition: number, from: number, to: number): LoggedEvent[] =>
  Array.from({ length: to - from + 1 }, (_, i) => testEvent({ partition, sequence: from + i }));

const apply = (events: readonly LoggedEvent[]) =>
  applyBatch(events.map((event) => toItem(follower.projection, event)));

describe('the fence', () => {
  test('refuses a zombie that applies what its successor has applied', async () => {
    const events = run(0, 1, 10);
    await apply(events);
    await expect(apply(events)).rejects.toThrow(StaleFence);
    expect(await follower.applied()).toHaveLength(10);
  });

  test('lets only one of several writers of the same events pass', async () => {
    const events = run(0, 1, 10);
    const outcomes = await Promise.allSettled([apply(events), apply(events), apply(events)]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await follower.applied()).toHaveLength(10);
  });

  test('is what refuses the zombie: without the comparison the same batch counts twice', async () => {
    const events = run(0, 1, 10);
    const applyWithoutComparing = () =>
      inTransaction(follower.pool, async (client) => {
        await client.query('SELECT FROM subscription_positions WHERE partition = 0 FOR UPDATE');
        await executeAll(client, follower.projection.effects(events));
        await client.query('UPDATE subscription_positions SET sequence = 10 WHERE partition = 0');
      });
    await applyWithoutComparing();
    await applyWithoutComparing();
    expect(await follower.applied()).toHaveLength(20);
  });

  test('writes nothing of a batch when one of its partitions is stale', async () => {
    await apply(run(1, 1, 3));
    await expect(apply([...run(0, 1, 5), ...run(1, 1, 3), ...run(2, 1, 2)])).rejects.toThrow(StaleFence);
    expect(await follower.applied()).toHaveLength(3);
    expect(await follower.positions(NAME)).toEqual({ 0: 0, 1: 3, 2: 0 });
  });

  test('refuses a batch that begins beyond the position, and one of a partition that does not exist', async () => {
    await expect(apply(run(0, 2, 5))).rejects.toThrow(StaleFence);
    await expect(apply(run(9, 1, 5))).rejects.toThrow(StaleFence);
    expect(await follower.applied()).toEqual([]);
  });

  test('does not let writers of several partitions deadlock, in whatever order they name them', async () => {
    const rounds = 20;
    const writer = async (partitions: readonly number[]) => {
      for (let i = 0; i < rounds; i += 1) {
        const at = await follower.positions(NAME);
        const batch = partitions.flatMap((partition) =>
          run(partition, at[partition]! + 1, at[partition]! + 2),
        );
        await apply(batch).catch((error) => {
          if (!(error instanceof StaleFence)) throw error;
        });
      }
    };
    await Promise.all([writer([0, 1, 2]), writer([2, 1, 0]), writer([1, 2])]);
    const positions = await follower.positions(NAME);
    const total = Object.values(positions).reduce((sum, sequence) => sum + sequence, 0);
    expect(await follower.applied()).toHaveLength(total);
  });

  test('is free again after a process that passed it has frozen before its commit', async () => {
    const frozen = await follower.pool.connect();
    frozen.on('error', () => {});
    await frozen.query('BEGIN');
    await executeAll(frozen, [fence(NAME, [{ partition: 0, from: 0, to: 10 }], { nothingParked: true })]);
    await apply(run(0, 1, 5));
    expect(await follower.applied()).toHaveLength(5);
    await expect(frozen.query('COMMIT')).rejects.toThrow();
    frozen.release(true);
  });
});

describe('a batch', () => {
  test('whose effects fail moves no position, and its events are at fault', async () => {
    await follower.pool.query('ALTER TABLE applied ADD CONSTRAINT no_seventh CHECK (sequence <> 7)');
    await expect(apply(run(0, 1, 10))).rejects.toThrow(EventFault);
    expect(await follower.positions(NAME)).toMatchObject({ 0: 0 });
    await follower.pool.query('ALTER TABLE applied DROP CONSTRAINT no_seventh');
    await apply(run(0, 1, 10));
    expect(await follower.applied()).toHaveLength(10);
  });

  test('that is stale is refused as such although its effects would fail as well', async () => {
    await apply(run(0, 1, 3));
    await follower.pool.query('ALTER TABLE applied RENAME TO elsewhere');
    await expect(apply(run(0, 1, 3))).rejects.toThrow(StaleFence);
    await follower.pool.query('ALTER TABLE elsewhere RENAME TO applied');
  });

  test('parks the events behind a parked one, also when this process did not know of it', async () => {
    const [bad, ...others] = run(0, 1, 6).map((event, i) => ({ ...event, partitionkey: `key-${i % 2}` }));
    await apply([{ ...bad!, data: { invalid: true } }]);
    const { pool, projection } = follower;
    const elsewhere = createApplyBatch({ pool, subscription: NAME, projection, parkedEvents: 1_000 });
    const outcome = await elsewhere(others.map((event) => toItem(projection, event)));
    expect(outcome).toEqual({ applied: 3, parked: 2, whole: [] });
    expect((await follower.applied()).map(({ sequence }) => sequence)).toEqual([2, 4, 6]);
  });

  test('is applied in one pipeline again when nothing is parked any more', async () => {
    await apply([{ ...run(0, 1, 1)[0]!, data: { invalid: true } }]);
    await follower.pool.query('UPDATE subscription_positions SET parked = 0; DELETE FROM parked_events');
    const { whole } = await apply(run(0, 2, 4));
    expect(whole).toEqual([{ partition: 0, from: 1, to: 4 }]);
    await apply(run(0, 5, 6));
    expect(await follower.applied()).toHaveLength(5);
  });
});
