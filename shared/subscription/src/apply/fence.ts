/**
 * The fence: effects and positions move together, and only from the positions for which the effects were computed.
 *
 * It locks the position rows in ascending order, so that two writers cannot deadlock, then compares and moves them. Unless
 * all of them match, nothing is written. The locks are held until the commit, so a second writer waits, then sees the moved
 * position and is refused: a process that was frozen and woke up, one whose commit succeeded but whose answer was lost, one
 * that still believes it leads. Nothing else stops them.
 */

import { arrayLiteral } from '@micromart/postgres/binary-array';
import type { Client } from '@micromart/postgres/pool';
import { execute, type Statement } from '@micromart/postgres/statement';

/** A partition's move in one transaction: `from` the sequence for which the effects were computed, `to` the new one. */
export type Move = { readonly partition: number; readonly from: number; readonly to: number };

/** Another writer has moved a position, or this process had an old value. Nothing was written. */
export class StaleFence extends Error {
  override readonly name = 'StaleFence';
}

/** A partition has parked events, and the caller expected none. Nothing was written. */
export class HasParked extends Error {
  override readonly name = 'HasParked';
}

/** A position is held for a moment, because generations are compared there (rebuild/hold.ts). Nothing was written. */
export class Held extends Error {
  override readonly name = 'Held';
}

/** Our own SQLSTATEs: the classes that the standard reserves begin with other letters (ISO/IEC 9075-2, 24.1). */
const STALE = 'SF001';
const PARKED = 'SF002';
const HELD = 'SF003';

/**
 * Settings of every session that locks positions. A process that freezes in the middle of a transaction would keep its
 * successor waiting for the locks, so the server ends a transaction that is idle. A process that froze while it sent a
 * pipeline does not count as idle, so every transaction and every wait for a lock has a limit too. Generic plans are reused:
 * planning a statement anew takes as long as executing it for a few events.
 */
export const FENCED_SETTINGS = {
  idle_in_transaction_session_timeout: '3s',
  transaction_timeout: '60s',
  lock_timeout: '10s',
  plan_cache_mode: 'force_generic_plan',
};

/**
 * The statement that locks, compares and moves the positions. It fails, and with it the transaction, unless all of them
 * match; with `nothingParked` it also fails when one of the partitions has parked events. It comes before the effects, so
 * that a late writer does no work.
 */
export const fence = (
  subscription: string,
  moves: readonly Move[],
  { nothingParked }: { nothingParked: boolean },
): Statement => ({
  name: 'fence',
  text: `WITH locked AS (
           SELECT partition, held_until > clock_timestamp() AS held FROM subscription_positions
           WHERE subscription = $1 AND partition = ANY($2::int[]) ORDER BY partition FOR UPDATE
         ), moved AS (
           UPDATE subscription_positions p SET sequence = m.till, head = GREATEST(p.head, m.till)
           FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS m (partition, since, till) JOIN locked USING (partition)
           WHERE p.subscription = $1 AND p.partition = m.partition AND p.sequence = m.since
             AND (held IS NOT TRUE OR m.till <= p.hold_at)
           RETURNING p.partition, p.parked
         )
         SELECT array_agg(partition) FILTER (WHERE parked > 0) AS parked, CASE
           WHEN count(*) = cardinality($2::int[]) THEN NULL
           WHEN (SELECT bool_or(held) FROM locked) THEN refuse_transaction('${HELD}', 'positions are held')
           ELSE refuse_transaction('${STALE}', 'positions are not as expected')
         END, CASE
           WHEN $5 AND sum(parked) > 0 THEN refuse_transaction('${PARKED}', 'events are parked')
         END FROM moved`,
  values: [
    subscription,
    arrayLiteral(moves.map((move) => move.partition)),
    arrayLiteral(moves.map((move) => move.from)),
    arrayLiteral(moves.map((move) => move.to)),
    nothingParked,
  ],
});

/** The fence's own error for an error of the database; undefined when the fence did not cause it. */
export function refusalOf(error: unknown, subscription: string): StaleFence | HasParked | Held | undefined {
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  if (code === STALE) return new StaleFence(`${subscription}: ${message}`);
  if (code === PARKED) return new HasParked(`${subscription}: ${message}`);
  if (code === HELD) return new Held(`${subscription}: ${message}`);
  return undefined;
}

/** Passes the fence within a transaction. Returns which of the partitions have parked events. Throws StaleFence. */
export async function movePositions(
  client: Client,
  subscription: string,
  moves: readonly Move[],
): Promise<ReadonlySet<number>> {
  try {
    const statement = fence(subscription, moves, { nothingParked: false });
    const { rows } = await execute<{ parked: number[] | null }>(client, statement);
    return new Set(rows[0]!.parked);
  } catch (error) {
    throw refusalOf(error, subscription) ?? error;
  }
}

/** Adds the events that this transaction parks to the counts of partitions whose positions it has moved. */
export async function countParked(
  client: Client,
  subscription: string,
  parked: ReadonlyMap<number, number>,
): Promise<void> {
  await client.query(
    `UPDATE subscription_positions p SET parked = p.parked + n.parked
     FROM unnest($2::int[], $3::int[]) AS n (partition, parked)
     WHERE p.subscription = $1 AND p.partition = n.partition`,
    [subscription, [...parked.keys()], [...parked.values()]],
  );
}
