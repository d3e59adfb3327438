/**
 * The fence: effects and positions move together, and only from the positions that the effects were worked out for.
 *
 * Position rows are locked first, in ascending order (two writers cannot deadlock), compared and moved; unless all of them
 * match, nothing is written at all. The locks are held until the commit, so whoever comes second waits, then sees the
 * moved position and is refused: a process that was frozen and woke up, one whose commit succeeded although it was told
 * nothing, one that believes it still leads. Nothing else keeps them out.
 */
import type { Client } from '../postgres/pool.ts';

/** A partition's way in one transaction: from the sequence it was worked out for to the one it moves to. */
export type Move = { readonly partition: number; readonly from: number; readonly to: number };

/** Somebody else moved a position meanwhile, or this process's picture of it is out of date. Nothing was written. */
export class StaleFence extends Error {
  override readonly name = 'StaleFence';
}

/**
 * Opens a transaction that holds positions. A process that freezes in the middle of it would keep its successor waiting
 * for the locks, so the server ends a transaction that stands idle; no statement or wait in it is without end either.
 */
export const BEGIN_FENCED = `BEGIN; SET LOCAL idle_in_transaction_session_timeout = '3s';
  SET LOCAL statement_timeout = '60s'; SET LOCAL lock_timeout = '10s'`;

/**
 * Locks the positions, compares and moves them; gives the number of parked events of each partition, or throws StaleFence.
 * It comes before the effects and not after them: then whoever is late does no work, and one round trip is enough.
 */
export async function movePositions(
  client: Client,
  subscription: string,
  moves: readonly Move[],
): Promise<ReadonlyMap<number, number>> {
  const { rows } = await client.query<{ partition: number; parked: number }>({
    name: 'move-positions',
    text: `WITH locked AS (
             SELECT partition FROM subscription_positions
             WHERE subscription = $1 AND partition = ANY($2::int[]) ORDER BY partition FOR UPDATE)
           UPDATE subscription_positions p SET sequence = m.till, head = GREATEST(p.head, m.till)
           FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS m (partition, since, till) JOIN locked USING (partition)
           WHERE p.subscription = $1 AND p.partition = m.partition AND p.sequence = m.since
           RETURNING p.partition, p.parked`,
    values: [
      subscription,
      moves.map((move) => move.partition),
      moves.map((move) => move.from),
      moves.map((move) => move.to),
    ],
  });
  if (rows.length !== moves.length)
    throw new StaleFence(`${subscription}: ${rows.length} of ${moves.length} positions were as expected`);
  return new Map(rows.map((row) => [row.partition, row.parked]));
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
