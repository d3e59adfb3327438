/** A cart's log with many events, and the counters that they come to, made in the database by SQL of its own. */
import type { Client, Pool } from '@micromart/postgres/pool';

const PRODUCTS = 5_000;
const DAY_MS = 86_400_000;
export const DAYS = 7;

/** The bucket of an event's time, by table. */
const BUCKETS = {
  minute: "date_trunc('minute', time, 'UTC')",
  quarter: "date_bin('15 minutes', time, '2000-01-01T00:00:00Z')",
  hour: "date_trunc('hour', time, 'UTC')",
  day: "date_trunc('day', time, 'UTC')",
};

const TABLES = ['total', ...Object.keys(BUCKETS)].map((table) =>
  `counts_by_${table}`.replace('by_total', 'total'),
);

/** Makes the events, in the sixteen partitions in turn, a week of them up to `endMs`. */
export async function fillLog(
  pool: Pool,
  { events, endMs }: { events: number; endMs: number },
): Promise<void> {
  await pool.query('SELECT setseed(0.42)');
  await pool.query(
    `INSERT INTO event_log_events (partition, sequence, id, type, subject, key, time, data)
     SELECT n % 16, n / 16 + 1, gen_random_uuid(), type, cart, cart, $2::timestamptz - ($1 - n) * $3::float8 * interval '1 ms',
       json_build_object('cartId', cart, 'shopper', cart, 'productId', (1000000 + floor(${PRODUCTS} * pow(draw, 3)))::bigint::text, 'quantity', 1 + n % 5, 'cartVersion', 1)
     FROM (SELECT n, random() AS draw, gen_random_uuid()::text AS cart,
             CASE WHEN random() < 0.25 THEN 'cart.item-removed' ELSE 'cart.item-added' END AS type
           FROM generate_series(0, $1::int - 1) n) e`,
    [events, new Date(endMs), (DAYS * DAY_MS) / events],
  );
}

/** Empties the counters and fills them from the events, grouped in the database. */
export async function groupIntoCounters(pool: Pick<Client | Pool, 'query'>): Promise<void> {
  await pool.query(`TRUNCATE ${TABLES.join(', ')}`);
  for (const [table, bucket] of Object.entries(BUCKETS))
    await pool.query(
      `INSERT INTO counts_by_${table} SELECT ${bucket}, data ->> 'productId',
         count(*) FILTER (WHERE type = 'cart.item-added'), count(*) FILTER (WHERE type = 'cart.item-removed'),
         coalesce(sum((data ->> 'quantity')::int) FILTER (WHERE type = 'cart.item-added'), 0),
         coalesce(sum((data ->> 'quantity')::int) FILTER (WHERE type = 'cart.item-removed'), 0)
       FROM event_log_events GROUP BY 1, 2 ORDER BY 1, 2`,
    );
  await pool.query(
    `INSERT INTO counts_total SELECT product_id, sum(added), sum(removed), sum(units_added), sum(units_removed)
     FROM counts_by_day GROUP BY 1`,
  );
}
