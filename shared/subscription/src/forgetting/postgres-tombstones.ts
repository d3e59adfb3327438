/**
 * Tombstones in a follower's database (tombstones.ts says what they are for). A projection that keeps something by a key
 * that can be forgotten
 *
 * - carries out `forget` and its own deletions where the event comes, before the effects of the batch's other events;
 * - leaves out what `is_forgotten(subscription, key)` says in the statements of those other effects;
 * - has `settle` called from time to time.
 *
 * Partitions are applied beside one another, so an event of the key may be applied by a transaction that does not see the
 * tombstone yet. What it leaves is dropped when the tombstone goes: by then that transaction has been committed, as its
 * position shows.
 */
import type { Heads } from '@micromart/event-log/event-log';
import { arrayLiteral, textArray } from '@micromart/postgres/binary-array';
import { type Client, inTransaction, type Pool } from '@micromart/postgres/pool';
import { execute, executeAll, type Statement } from '@micromart/postgres/statement';
import { isPassed, NOBODY, type Tombstone, withHeads } from './tombstones.ts';

const MAX_SETTLED = 100;

/** Sets tombstones, and strips the keys from the events that are or were parked, which stay what they are otherwise. */
export const forget = (
  subscription: string,
  forgotten: readonly Pick<Tombstone, 'key' | 'partition' | 'sequence'>[],
): readonly Statement[] => [
  {
    name: 'set_tombstones',
    text: `INSERT INTO subscription_tombstones (subscription, key, partition, sequence)
           SELECT $1, t.key, t.partition, t.sequence
           FROM unnest($2::text[], $3::int[], $4::bigint[]) AS t (key, partition, sequence)
           ON CONFLICT (subscription, key) DO NOTHING`,
    values: [
      subscription,
      textArray(forgotten.map(({ key }) => key)),
      arrayLiteral(forgotten.map(({ partition }) => partition)),
      arrayLiteral(forgotten.map(({ sequence }) => sequence)),
    ],
  },
  ...forgotten.map(({ key }) => strip(subscription, key)),
];

/** A key is random and as long as a UUID, so wherever its text stands in an event, it is that key. */
const strip = (subscription: string, key: string): Statement => ({
  name: 'strip_parked',
  text: `UPDATE parked_events SET event = replace(event::text, $2, '${NOBODY}')::json, key = replace(key, $2, '${NOBODY}'),
           reason = replace(reason, $2, '${NOBODY}')
         WHERE subscription = $1 AND (position($2 IN event::text) > 0 OR position($2 IN reason) > 0)`,
  values: [subscription, key],
});

/**
 * Takes away the tombstones, a hundred at most, that every position has passed, once `drop` has dropped what is still kept
 * by their keys, in the same transaction. `heads` must have been asked for without saying what is known (headsNow): the
 * owner then reads all of them in one go. Gives the number of tombstones taken away.
 */
export function settle(
  pool: Pool,
  subscription: string,
  heads: Pick<Heads, 'last'>,
  drop: (keys: readonly string[]) => readonly Statement[],
): Promise<number> {
  return inTransaction(pool, async (client) => {
    const known = await lockTombstones(client, subscription);
    const told = known.map((tombstone) => withHeads(tombstone, heads.last));
    await keepHeads(
      client,
      subscription,
      told.filter((one, n) => one !== known[n]),
    );
    // Read after the tombstones: what was applied without seeing them is included, or holds its position still.
    const positions = await readPositions(client, subscription);
    const keys = told.filter((one) => isPassed(one, positions)).map(({ key }) => key);
    if (keys.length === 0) return 0;
    await executeAll(client, [...keys.map((key) => strip(subscription, key)), ...drop(keys)]);
    await client.query('DELETE FROM subscription_tombstones WHERE subscription = $1 AND key = ANY ($2)', [
      subscription,
      keys,
    ]);
    return keys.length;
  });
}

async function lockTombstones(client: Client, subscription: string): Promise<Tombstone[]> {
  const { rows } = await client.query<
    Omit<Tombstone, 'heads'> & { heads: Readonly<Record<string, number>> | null }
  >(
    `SELECT key, partition, sequence, heads FROM subscription_tombstones
     WHERE subscription = $1 ORDER BY key LIMIT $2 FOR UPDATE SKIP LOCKED`,
    [subscription, MAX_SETTLED],
  );
  return rows.map(({ heads, ...row }) => ({
    ...row,
    heads: heads
      ? new Map(Object.entries(heads).map(([partition, head]) => [Number(partition), head]))
      : undefined,
  }));
}

async function keepHeads(client: Client, subscription: string, told: readonly Tombstone[]): Promise<void> {
  for (const { key, heads } of told) {
    await client.query('UPDATE subscription_tombstones SET heads = $3 WHERE subscription = $1 AND key = $2', [
      subscription,
      key,
      JSON.stringify(Object.fromEntries(heads!)),
    ]);
  }
}

async function readPositions(client: Client, subscription: string): Promise<ReadonlyMap<number, number>> {
  const { rows } = await execute<{ partition: number; sequence: number }>(client, {
    text: 'SELECT partition, sequence FROM subscription_positions WHERE subscription = $1',
    values: [subscription],
  });
  return new Map(rows.map(({ partition, sequence }) => [partition, sequence]));
}
