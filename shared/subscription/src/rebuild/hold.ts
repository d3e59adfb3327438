/**
 * Brings two generations to the same positions for a moment. In each partition the one ahead stays where it is, the other one
 * goes on until it is there. Both followers heed it, whatever instances they run in, because the fence does
 * (apply/fence.ts). It ends by itself, so a process that dies meanwhile stops nothing for long.
 */
import type { Client, Pool } from '@micromart/postgres/pool';
import { inTransaction } from '@micromart/postgres/pool';
import { lockPositions } from '../lock-positions.ts';

export const HOLD_MS = 3_000;

/** For the two, from now on until it is released, at most for `HOLD_MS`. */
export async function hold(pool: Pool, generations: readonly [string, string]): Promise<void> {
  await inTransaction(pool, async (client) => {
    await lockPositions(client, generations);
    await client.query(
      `UPDATE subscription_positions p
       SET hold_at = h.at, held_until = clock_timestamp() + make_interval(secs => $2)
       FROM (SELECT partition, max(sequence) AS at FROM subscription_positions
             WHERE subscription = ANY($1) GROUP BY partition) h
       WHERE p.subscription = ANY($1) AND p.partition = h.partition`,
      [generations, HOLD_MS / 1_000],
    );
  });
}

export async function release(pool: Pool, generations: readonly [string, string]): Promise<void> {
  await inTransaction(pool, async (client) => {
    await lockPositions(client, generations);
    await client.query(
      'UPDATE subscription_positions SET hold_at = NULL, held_until = NULL WHERE subscription = ANY($1)',
      [generations],
    );
  });
}

/** Whether both stand at the same positions, as the client's transaction sees them. */
export async function standTogether(
  client: Client | Pool,
  [a, b]: readonly [string, string],
): Promise<boolean> {
  const { rows } = await client.query<{ together: boolean }>(
    `SELECT bool_and(a.sequence IS NOT DISTINCT FROM b.sequence) AS together
     FROM (SELECT partition, sequence FROM subscription_positions WHERE subscription = $1) a
     FULL JOIN (SELECT partition, sequence FROM subscription_positions WHERE subscription = $2) b USING (partition)`,
    [a, b],
  );
  return rows[0]!.together ?? false;
}
