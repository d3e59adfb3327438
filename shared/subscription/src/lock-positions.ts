import type { Client } from '@micromart/postgres/pool';

/**
 * Locks the positions of these subscriptions until the transaction ends: all of them, or those of `partitions`. In the order in
 * which a batch locks those of one subscription (apply/fence.ts), so that nobody deadlocks.
 */
export async function lockPositions(
  client: Client,
  subscriptions: readonly string[],
  partitions?: readonly number[],
): Promise<void> {
  await client.query(
    `SELECT 1 FROM subscription_positions
     WHERE subscription = ANY($1) AND ($2::int[] IS NULL OR partition = ANY($2))
     ORDER BY subscription, partition FOR UPDATE`,
    [subscriptions, partitions ?? null],
  );
}
