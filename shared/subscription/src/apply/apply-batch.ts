/**
 * One batch, one transaction: the fence with the new positions, the effects and the parked events, all of it or nothing.
 *
 * As long as nothing is parked, there is nothing to decide on the way: all of it is sent together, so that a counter that is
 * waited for shows a quarter sooner. Else the fence says which partitions have parked events, and what of the batch stands
 * behind them follows from that.
 */
import { isMalformed, type ReceivedEvent } from '@micromart/events/envelope';
import { type Client, inPipelinedTransaction, inTransaction, type Pool } from '@micromart/postgres/pool';
import { executeAll } from '@micromart/postgres/statement';
import { toStorable } from '@micromart/text/storable';
import type { Projection } from '../projection.ts';
import { divide, type Item, keyOf, movesOf, type ParkedItem } from './batch-item.ts';
import { handling } from './event-fault.ts';
import { countParked, fence, HasParked, type Move, movePositions, refusalOf } from './fence.ts';

/** One more parked event would be more than a subscription may have. Nothing was written. */
export class TooManyParked extends Error {
  override readonly name = 'TooManyParked';
}

export type BatchTarget<E> = {
  readonly pool: Pool;
  readonly subscription: string;
  readonly projection: Projection<E>;
  readonly parkedEvents: number;
};

export type Outcome = {
  /** Numbers of events. */
  readonly applied: number;
  readonly parked: number;
  /** The moves of partitions in which nothing is parked: all up to there is included. */
  readonly whole: readonly Move[];
};

/**
 * Applies items, which are dense and in order within each partition, of any number of partitions. Throws StaleFence,
 * TooManyParked, EventFault for what the projection threw, or the database's error; only when that was lost during the
 * commit can it have happened all the same, which the positions tell.
 */
export type ApplyBatch<E> = (items: readonly Item<E>[]) => Promise<Outcome>;

export function createApplyBatch<E>(target: BatchTarget<E>): ApplyBatch<E> {
  const { pool, subscription, projection } = target;
  /** Partitions that had parked events when they were last looked at; only a guess, which the fence puts right. */
  const withParked = new Set<number>();

  async function applyAtOnce(items: readonly Item<E>[], moves: readonly Move[]): Promise<Outcome> {
    const { apply } = divide(items, new Set());
    const passed = fence(subscription, moves, { nothingParked: true });
    try {
      await handling(async () => inPipelinedTransaction(pool, [passed, ...projection.effects(apply)]));
    } catch (error) {
      throw refusalOf(error, subscription) ?? error;
    }
    return { applied: apply.length, parked: 0, whole: moves };
  }

  return async (items) => {
    const moves = movesOf(items);
    const expectsParked = items.some((item) => 'fault' in item || withParked.has(item.event.partition));
    if (!expectsParked)
      try {
        return await applyAtOnce(items, moves);
      } catch (error) {
        if (!(error instanceof HasParked)) throw error;
      }
    const outcome = await applyStepByStep(target, items, moves);
    for (const { partition } of moves) withParked.add(partition);
    for (const { partition } of outcome.whole) withParked.delete(partition);
    return outcome;
  };
}

async function applyStepByStep<E>(
  { pool, subscription, projection, parkedEvents }: BatchTarget<E>,
  items: readonly Item<E>[],
  moves: readonly Move[],
): Promise<Outcome> {
  return inTransaction(pool, async (client) => {
    const parkedBefore = await movePositions(client, subscription, moves);
    const blocked = await blockedKeys(client, subscription, items, parkedBefore);
    const { apply, park } = divide(items, blocked);
    await handling(() => executeAll(client, projection.effects(apply)));
    const parkedNow = countByPartition(park);
    if (park.length > 0) {
      await parkAll(client, subscription, park, parkedEvents);
      await countParked(client, subscription, parkedNow);
    }
    const whole = moves.filter(({ partition }) => !parkedBefore.has(partition) && !parkedNow.has(partition));
    return { applied: apply.length, parked: park.length, whole };
  });
}

/** The keys among these items that have parked events; asks only about partitions that have any. */
async function blockedKeys(
  client: Client,
  subscription: string,
  items: readonly { event: Item<unknown>['event'] }[],
  withParked: ReadonlySet<number>,
): Promise<ReadonlySet<string>> {
  const events = items.map(({ event }) => event).filter(({ partition }) => withParked.has(partition));
  if (events.length === 0) return new Set();
  const byStoredKey = new Map(
    events.map((event) => [`${event.partition}/${toStorable(event.partitionkey)}`, keyOf(event)]),
  );
  const { rows } = await client.query<{ place: string }>({
    name: 'blocked-keys',
    text: `SELECT DISTINCT partition || '/' || key AS place FROM parked_events
           WHERE subscription = $1 AND partition = ANY($2::int[]) AND key = ANY($3) AND state = 'parked'`,
    values: [
      subscription,
      [...new Set(events.map(({ partition }) => partition))],
      [...new Set(events.map(({ partitionkey }) => toStorable(partitionkey)))],
    ],
  });
  return new Set(rows.flatMap(({ place }) => byStoredKey.get(place) ?? []));
}

/**
 * Parks events whose positions are locked in this transaction. One without a time is later than the time that its partition
 * includes, so it counts as of that.
 */
async function parkAll(
  client: Client,
  subscription: string,
  items: readonly ParkedItem[],
  limit: number,
): Promise<void> {
  const { rows } = await client.query<{ parked: number }>(
    'SELECT sum(parked) AS parked FROM subscription_positions WHERE subscription = $1',
    [subscription],
  );
  if (rows[0]!.parked + items.length > limit)
    throw new TooManyParked(
      `with ${items.length} more, ${subscription} has more than ${limit} parked events`,
    );
  await client.query(
    `INSERT INTO parked_events (subscription, partition, sequence, key, time, event, reason, attempts)
     SELECT $1, e.partition, e.sequence, key, COALESCE(time, (
         SELECT as_of FROM subscription_positions p WHERE p.subscription = $1 AND p.partition = e.partition
       ), 'epoch'), event, reason, attempts
     FROM unnest($2::int[], $3::bigint[], $4::text[], $5::timestamptz[], $6::json[], $7::text[], $8::int[])
       WITH ORDINALITY AS e (partition, sequence, key, time, event, reason, attempts, nth) ORDER BY nth`,
    [
      subscription,
      items.map(({ event }) => event.partition),
      items.map(({ event }) => event.sequence),
      items.map(({ event }) => toStorable(event.partitionkey)),
      items.map(({ event }) => storableTimeOf(event)),
      items.map(({ event }) => JSON.stringify(isMalformed(event) ? event.raw : event)),
      items.map(({ fault }) => fault.reason),
      items.map(({ fault }) => fault.attempts),
    ],
  );
}

/** Null for the year 0, which PostgreSQL's calendar leaves out. */
const storableTimeOf = ({ time }: ReceivedEvent): string | null =>
  time === undefined || time.startsWith('0000') ? null : time;

function countByPartition(items: readonly ParkedItem[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const { event } of items) counts.set(event.partition, (counts.get(event.partition) ?? 0) + 1);
  return counts;
}
