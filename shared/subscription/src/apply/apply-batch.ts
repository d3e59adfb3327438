/**
 * Applies one batch in one transaction: the fence with the new positions, the effects and the parked events, all or nothing.
 *
 * As long as nothing is parked, no statement depends on the answer to another, so all of them are sent in one pipeline, which
 * saves round trips. Otherwise the fence says first which partitions have parked events, and events of the batch whose key
 * has a parked event are parked behind it.
 */
import { isMalformed, type ReceivedEvent } from '@micromart/events/envelope';
import { type Client, inPipelinedTransaction, inTransaction, type Pool } from '@micromart/postgres/pool';
import { executeAll } from '@micromart/postgres/statement';
import { toStorable } from '@micromart/text/storable';
import type { Projection } from '../projection.ts';
import { divide, type Item, keyOf, movesOf, type ParkedItem } from './batch-item.ts';
import { handling } from './event-fault.ts';
import { countParked, fence, HasParked, type Move, movePositions, refusalOf } from './fence.ts';

/** The batch would bring the subscription above its limit of parked events. Nothing was written. */
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
  /** How many events were applied, and how many parked. */
  readonly applied: number;
  readonly parked: number;
  /** The moves of partitions in which nothing is parked: everything up to `to` is included. */
  readonly whole: readonly Move[];
};

/**
 * Applies items of any number of partitions; within each partition they are dense and in order. Throws StaleFence,
 * TooManyParked, EventFault for what the projection threw, or the database's error. Only when the connection was lost during
 * the commit may the batch be committed although this throws; the stored positions show that.
 */
export type ApplyBatch<E> = (items: readonly Item<E>[]) => Promise<Outcome>;

export function createApplyBatch<E>(target: BatchTarget<E>): ApplyBatch<E> {
  const { pool, subscription, projection } = target;
  /** Partitions that had parked events in their last batch. Only a guess: the fence corrects it. */
  const withParked = new Set<number>();

  async function applyPipelined(items: readonly Item<E>[], moves: readonly Move[]): Promise<Outcome> {
    const { apply } = divide(items, new Set());
    const passFence = fence(subscription, moves, { nothingParked: true });
    try {
      await handling(async () => inPipelinedTransaction(pool, [passFence, ...projection.effects(apply)]));
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
        return await applyPipelined(items, moves);
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

/** The keys of these items that have parked events; queries only partitions that have any. */
async function blockedKeys(
  client: Client,
  subscription: string,
  items: readonly { event: Item<unknown>['event'] }[],
  withParked: ReadonlySet<number>,
): Promise<ReadonlySet<string>> {
  const events = items.map(({ event }) => event).filter(({ partition }) => withParked.has(partition));
  if (events.length === 0) return new Set();
  const storedKeyOf = ({ partition, partitionkey }: ReceivedEvent) =>
    `${partition}/${toStorable(partitionkey)}`;
  const { rows } = await client.query<{ key: string }>({
    name: 'blocked-keys',
    text: `SELECT DISTINCT partition || '/' || key AS key FROM parked_events
           WHERE subscription = $1 AND partition = ANY($2::int[]) AND key = ANY($3) AND state = 'parked'`,
    values: [
      subscription,
      [...new Set(events.map(({ partition }) => partition))],
      [...new Set(events.map(({ partitionkey }) => toStorable(partitionkey)))],
    ],
  });
  const stored = new Set(rows.map(({ key }) => key));
  return new Set(events.filter((event) => stored.has(storedKeyOf(event))).map(keyOf));
}

/**
 * Parks events whose positions this transaction has locked. An event without a valid time is later than its partition's
 * As-Of, so it is stored with that time.
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
      `${subscription} would have more than ${limit} parked events with ${items.length} more`,
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

/** Null for the year 0, which PostgreSQL's calendar does not have. */
const storableTimeOf = ({ time }: ReceivedEvent): string | null =>
  time === undefined || time.startsWith('0000') ? null : time;

function countByPartition(items: readonly ParkedItem[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const { event } of items) counts.set(event.partition, (counts.get(event.partition) ?? 0) + 1);
  return counts;
}
