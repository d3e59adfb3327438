/**
 * Tombstones in a follower's database (tombstones.ts says what they are for). When a projection keeps data by a key that can be
 * forgotten,
 *
 * - its effects begin with the statements of `forget` and its own deletions, before those of the batch's other events;
 * - its other statements skip keys for which `is_forgotten(subscription, key)` is true;
 * - its service calls `settle` from time to time.
 *
 * A generation of a read model has tombstones of its own, under its own name, because it comes to the events at another time.
 * `settle` is called for each generation that is followed, and what it deletes is named with the generation's schema.
 *
 * Partitions are applied concurrently, so a transaction that does not see the tombstone yet may apply an event of the key.
 * `settle` drops what that leaves: by then that transaction has committed, as its position shows.
 */
import type { Heads } from '@micromart/event-log/event-log';
import { arrayLiteral, textArray } from '@micromart/postgres/binary-array';
import { type Client, inTransaction, type Pool } from '@micromart/postgres/pool';
import { execute, executeAll, type Statement } from '@micromart/postgres/statement';
import { isPassed, NOBODY, type Tombstone, withHeads } from './tombstones.ts';

const MAX_SETTLED = 100;

/** Sets tombstones, and replaces the keys in events that are or were parked by NOBODY. */
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

/** A key is a random UUID, so wherever its text occurs in an event, it is that key. */
const strip = (subscription: string, key: string): Statement => ({
  name: 'strip_parked',
  text: `UPDATE parked_events SET event = replace(event::text, $2, '${NOBODY}')::json, key = replace(key, $2, '${NOBODY}'),
           reason = replace(reason, $2, '${NOBODY}')
         WHERE subscription = $1 AND (position($2 IN event::text) > 0 OR position($2 IN reason) > 0)`,
  values: [subscription, key],
});

/**
 * Deletes tombstones that every position has passed, at most `MAX_SETTLED`, and in the same transaction executes what `drop`
 * returns: statements that delete what is still kept by their keys. `heads` must come from a request without `after`
 * (headsNow), because the owner then reads all of them in one snapshot. Returns how many tombstones it deleted.
 */
export function settle(
  pool: Pool,
  subscription: string,
  heads: Pick<Heads, 'last'>,
  drop: (keys: readonly string[]) => readonly Statement[],
): Promise<number> {
  return inTransaction(pool, async (client) => {
    const known = await lockTombstones(client, subscription);
    const withTheirHeads = known.map((tombstone) => withHeads(tombstone, heads.last));
    await storeHeads(
      client,
      subscription,
      withTheirHeads.filter((one, n) => one !== known[n]),
    );
    // Read after the tombstones: a transaction that did not see them is included, or still locks its position.
    const positions = await readPositions(client, subscription);
    const keys = withTheirHeads.filter((one) => isPassed(one, positions)).map(({ key }) => key);
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

async function storeHeads(
  client: Client,
  subscription: string,
  tombstones: readonly Tombstone[],
): Promise<void> {
  for (const { key, heads } of tombstones) {
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
