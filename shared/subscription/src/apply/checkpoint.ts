/** Where a subscription stands, as its database says: the rows that its loops read and write outside of batches. */

import type { Heads } from '@micromart/event-log/event-log';
import type { Sequences } from '@micromart/events/position';
import { inTransaction, type Pool } from '@micromart/postgres/pool';

export type Checkpoint = { readonly log: string | undefined; readonly positions: Sequences };

/** What the owner said of a partition: where it ends, and until when the position is known to include everything. */
export type CheckpointMetadata = {
  readonly partition: number;
  readonly head: number;
  readonly asOf: Date | undefined;
};

export async function readCheckpoint(pool: Pool, subscription: string): Promise<Checkpoint> {
  const { rows } = await pool.query<{ log: string | null; partition: number | null; sequence: number }>(
    `SELECT s.log, p.partition, p.sequence FROM subscriptions s
     LEFT JOIN subscription_positions p ON p.subscription = s.name WHERE s.name = $1 ORDER BY p.partition`,
    [subscription],
  );
  return {
    log: rows[0]?.log ?? undefined,
    positions: new Map(
      rows.flatMap((row) => (row.partition === null ? [] : [[row.partition, row.sequence]])),
    ),
  };
}

/**
 * Takes a log's history as the subscription's own, if it has none yet, and starts its partitions that are new at 0. The
 * standing afterwards tells whether it is this log's.
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
 * Writes down what the owner said. It is true whoever writes it, so it needs no fence; it only ever grows. Gives the
 * number of parked events of each of these partitions, which is there to be read on the way.
 */
export async function writeCheckpointMetadata(
  pool: Pool,
  subscription: string,
  metadata: readonly CheckpointMetadata[],
): Promise<ReadonlyMap<number, number>> {
  const { rows } = await pool.query<{ partition: number; parked: number }>({
    name: 'write-notes',
    text: `WITH locked AS (
             SELECT partition FROM subscription_positions
             WHERE subscription = $1 AND partition = ANY($2::int[]) ORDER BY partition FOR UPDATE)
           UPDATE subscription_positions p
           SET head = GREATEST(p.head, n.head), as_of = GREATEST(p.as_of, n.as_of)
           FROM unnest($2::int[], $3::bigint[], $4::timestamptz[]) AS n (partition, head, as_of)
           JOIN locked USING (partition)
           WHERE p.subscription = $1 AND p.partition = n.partition RETURNING p.partition, p.parked`,
    values: [
      subscription,
      metadata.map((note) => note.partition),
      metadata.map((note) => note.head),
      metadata.map((note) => note.asOf ?? null),
    ],
  });
  return new Map(rows.map(({ partition, parked }) => [partition, parked]));
}
