/**
 * The fence: effects and positions move together, and only from the positions that the effects were worked out for.
 *
 * Position rows are locked first, in ascending order (two writers cannot deadlock), and compared; unless all of them
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

/** Locks the positions and compares them; gives the number of parked events of each partition, or throws StaleFence. */
export async function lockPositions(
  client: Client,
  subscription: string,
  moves: readonly Move[],
): Promise<ReadonlyMap<number, number>> {
  const { rows } = await client.query<{ partition: number; sequence: number; parked: number }>({
    name: 'lock-positions',
    text: `SELECT partition, sequence, parked FROM subscription_positions
           WHERE subscription = $1 AND partition = ANY($2::int[]) ORDER BY partition FOR UPDATE`,
    values: [subscription, moves.map((move) => move.partition)],
  });
  const found = new Map(rows.map((row) => [row.partition, row]));
  for (const { partition, from } of moves) {
    const sequence = found.get(partition)?.sequence;
    if (sequence !== from)
      throw new StaleFence(`partition ${partition} of ${subscription} is at ${sequence}, not at ${from}`);
  }
  return new Map(rows.map((row) => [row.partition, row.parked]));
}

/** Moves positions that lockPositions has locked in this transaction; `parked` counts what this transaction parks. */
export async function movePositions(
  client: Client,
  subscription: string,
  moves: readonly Move[],
  parked: ReadonlyMap<number, number>,
): Promise<void> {
  const { rowCount } = await client.query({
    name: 'move-positions',
    text: `UPDATE subscription_positions p
           SET sequence = m.till, head = GREATEST(p.head, m.till), parked = p.parked + m.parked
           FROM unnest($2::int[], $3::bigint[], $4::bigint[], $5::int[]) AS m (partition, since, till, parked)
           WHERE p.subscription = $1 AND p.partition = m.partition AND p.sequence = m.since`,
    values: [
      subscription,
      moves.map((move) => move.partition),
      moves.map((move) => move.from),
      moves.map((move) => move.to),
      moves.map((move) => parked.get(move.partition) ?? 0),
    ],
  });
  if (rowCount !== moves.length)
    throw new StaleFence(`${subscription}: ${rowCount} of ${moves.length} positions could be moved`);
}
