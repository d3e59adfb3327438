/** A subscription's checkpoint in its database: the rows that its loops read and write outside of batches. */

import type { Heads } from '@micromart/event-log/event-log';
import type { Sequences } from '@micromart/events/position';
import { inTransaction, type Pool } from '@micromart/postgres/pool';

export type Checkpoint = {
  readonly log: string | undefined;
  readonly positions: Sequences;
  /** Partitions that may go no further than this for a moment (rebuild/hold.ts). */
  readonly holds: Sequences;
};

/** What the owner said of a partition: its head, and the time before which the position includes everything. */
export type CheckpointMetadata = {
  readonly partition: number;
  readonly head: number;
  readonly asOf: Date | undefined;
};

export async function readCheckpoint(pool: Pool, subscription: string): Promise<Checkpoint> {
  const { rows } = await pool.query<{
    log: string | null;
    partition: number | null;
    sequence: number;
    hold: number | null;
  }>(
    `SELECT s.log, p.partition, p.sequence,
       CASE WHEN p.held_until > clock_timestamp() THEN p.hold_at END AS hold
     FROM subscriptions s LEFT JOIN subscription_positions p ON p.subscription = s.name
     WHERE s.name = $1 ORDER BY p.partition`,
    [subscription],
  );
  return {
    log: rows[0]?.log ?? undefined,
    positions: new Map(
      rows.flatMap((row) => (row.partition === null ? [] : [[row.partition, row.sequence]])),
    ),
    holds: new Map(rows.flatMap(({ partition, hold }) => (hold === null ? [] : [[partition!, hold]]))),
  };
}

/**
 * Makes the subscription follow this log if it follows none yet, and starts the log's new partitions at 0. Returns the
 * checkpoint afterwards, whose `log` is another one if the subscription already follows that.
 */
export async function adoptLog(pool: Pool, subscription: string, { log, last }: Heads): Promise<Checkpoint> {
  await inTransaction(pool, async (client) => {
    await client.query('UPDATE subscriptions SET log = $2 WHERE name = $1 AND log IS NULL', [
      subscription,
      log,
    ]);
    await client.query(
      `INSERT INTO subscription_positions (subscription, partition)
       SELECT name, unnest($3::int[]) FROM subscriptions WHERE name = $1 AND log = $2 ON CONFLICT DO NOTHING`,
      [subscription, log, [...last.keys()]],
    );
  });
  return readCheckpoint(pool, subscription);
}

/**
 * Writes what the owner said. It only grows, and is true whichever instance writes it, so it needs no fence. Returns the
 * number of parked events of each of these partitions, from the same statement.
 */
export async function writeCheckpointMetadata(
  pool: Pool,
  subscription: string,
  metadata: readonly CheckpointMetadata[],
): Promise<ReadonlyMap<number, number>> {
  const { rows } = await pool.query<{ partition: number; parked: number }>({
    name: 'write-checkpoint-metadata',
    text: `WITH locked AS (
             SELECT partition FROM subscription_positions
             WHERE subscription = $1 AND partition = ANY($2::int[]) ORDER BY partition FOR UPDATE)
           UPDATE subscription_positions p
           SET head = GREATEST(p.head, m.head), as_of = GREATEST(p.as_of, m.as_of)
           FROM unnest($2::int[], $3::bigint[], $4::timestamptz[]) AS m (partition, head, as_of)
           JOIN locked USING (partition)
           WHERE p.subscription = $1 AND p.partition = m.partition RETURNING p.partition, p.parked`,
    values: [
      subscription,
      metadata.map((one) => one.partition),
      metadata.map((one) => one.head),
      metadata.map((one) => one.asOf ?? null),
    ],
  });
  return new Map(rows.map(({ partition, parked }) => [partition, parked]));
}
