/**
 * The fence: effects and positions move together, and only from the positions that the effects were worked out for.
 *
 * Position rows are locked first, in ascending order (two writers cannot deadlock), compared and moved; unless all of them
 * match, nothing is written at all. The locks are held until the commit, so whoever comes second waits, then sees the
 * moved position and is refused: a process that was frozen and woke up, one whose commit succeeded although it was told
 * nothing, one that believes it still leads. Nothing else keeps them out.
 */

import { arrayLiteral } from '@micromart/postgres/binary-array';
import type { Client } from '@micromart/postgres/pool';
import { execute, type Statement } from '@micromart/postgres/statement';

/** A partition's way in one transaction: from the sequence it was worked out for to the one it moves to. */
export type Move = { readonly partition: number; readonly from: number; readonly to: number };

/** Somebody else moved a position meanwhile, or this process's picture of it is out of date. Nothing was written. */
export class StaleFence extends Error {
  override readonly name = 'StaleFence';
}

/** A partition has parked events, which was not expected. Nothing was written. */
export class HasParked extends Error {
  override readonly name = 'HasParked';
}

/** SQLSTATEs of ours: those of the standard begin otherwise (ISO/IEC 9075-2, 24.1). */
const STALE = 'SF001';
const PARKED = 'SF002';

/**
 * Of every session that holds positions. A process that freezes in the middle of a transaction would keep its successor
 * waiting for the locks, so the server ends one that stands idle. One that froze while it sent a trip does not count as idle, so no transaction is
 * without end, nor any wait. Statements that come again and again are planned once: planning one anew takes as long as
 * carrying it out for a few events.
 */
export const FENCED_SETTINGS = {
  idle_in_transaction_session_timeout: '3s',
  transaction_timeout: '60s',
  lock_timeout: '10s',
  plan_cache_mode: 'force_generic_plan',
};

/**
 * Locks the positions, compares and moves them; it fails, and with it the transaction, unless all of them match, and unless
 * `nothingParked` is true of all of them where that is expected. It comes before the effects and not after them: then
 * whoever is late does no work.
 */
export const fence = (
  subscription: string,
  moves: readonly Move[],
  { nothingParked }: { nothingParked: boolean },
): Statement => ({
  name: 'fence',
  text: `WITH locked AS (
           SELECT partition FROM subscription_positions
           WHERE subscription = $1 AND partition = ANY($2::int[]) ORDER BY partition FOR UPDATE
         ), moved AS (
           UPDATE subscription_positions p SET sequence = m.till, head = GREATEST(p.head, m.till)
           FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS m (partition, since, till) JOIN locked USING (partition)
           WHERE p.subscription = $1 AND p.partition = m.partition AND p.sequence = m.since
           RETURNING p.partition, p.parked
         )
         SELECT array_agg(partition) FILTER (WHERE parked > 0) AS parked, CASE
           WHEN count(*) < cardinality($2::int[]) THEN refuse_transaction('${STALE}', 'positions are not as expected')
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

/** What the fence said when it failed, as an error of its own; undefined when it was not the fence that failed. */
export function refusalOf(error: unknown, subscription: string): StaleFence | HasParked | undefined {
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  if (code === STALE) return new StaleFence(`${subscription}: ${message}`);
  if (code === PARKED) return new HasParked(`${subscription}: ${message}`);
  return undefined;
}

/** Passes the fence within a transaction; gives the partitions among these that have parked events. Throws StaleFence. */
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

/** Counts events that this transaction parks, in partitions whose positions it has moved. */
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
