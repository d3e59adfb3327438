/**
 * How fresh an answer is. `asOf`: everything committed before this time is included. `positions`: how far into which logs
 * the data reaches. Both are read in the snapshot of the data, else they would describe another moment.
 *
 * `asOf` is the smallest of all partitions. It lies before the time of the oldest parked event, which was committed but is
 * not included.
 */
import type { LogPosition } from '@micromart/events/position';
import { type Client, inSnapshot, type Pool } from '@micromart/postgres/pool';

export type Freshness = { readonly asOf: Date; readonly positions: readonly LogPosition[] };

type Row = {
  name: string;
  log: string | null;
  partition: number | null;
  sequence: number;
  as_of: Date | null;
  oldest_parked: Date | null;
};

/** The freshness of these subscriptions' read models, as this transaction sees it; `asOf` is 1970 until all are known. */
export async function freshnessOf(client: Client, subscriptions: readonly string[]): Promise<Freshness> {
  const { rows } = await client.query<Row>({
    name: 'freshness',
    text: `SELECT s.name, s.log, p.partition, p.sequence, p.as_of, CASE WHEN p.parked > 0 THEN (
             SELECT min(e.time) FROM parked_events e
             WHERE e.subscription = p.subscription AND e.partition = p.partition AND e.state = 'parked'
           ) END AS oldest_parked
           FROM subscriptions s LEFT JOIN subscription_positions p ON p.subscription = s.name
           WHERE s.name = ANY($1) ORDER BY s.name, p.partition`,
    values: [subscriptions],
  });
  const known = new Set(rows.map((row) => row.name)).size === subscriptions.length;
  const times = rows.map((row) =>
    Math.min(row.as_of?.getTime() ?? 0, row.oldest_parked ? row.oldest_parked.getTime() - 1 : Infinity),
  );
  return {
    asOf: new Date(known ? Math.min(...times) : 0),
    positions: rows.flatMap(({ log, partition, sequence }) =>
      log === null || partition === null ? [] : [{ log, partition, sequence }],
    ),
  };
}

/**
 * Reads data together with its freshness, in one snapshot. `read` also gets the freshness, as a promise, so that a read
 * that does not need it does not wait for it.
 */
export async function readFresh<T>(
  pool: Pool,
  subscriptions: readonly string[],
  read: (client: Client, freshness: Promise<Freshness>) => Promise<T>,
): Promise<Freshness & { readonly value: T }> {
  return inSnapshot(pool, async (client) => {
    const freshness = freshnessOf(client, subscriptions);
    const [value, known] = await Promise.all([read(client, freshness), freshness]);
    return { ...known, value };
  });
}
