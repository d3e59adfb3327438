/**
 * emmett's projection rebuild: the same events in its event store, read back and projected by its own consumer. At its
 * best: a projection of plain SQL, which is several times faster than one of documents, one statement for each event's
 * four tables, and batches of a thousand rather than its default of a hundred.
 */
import { SQL } from '@event-driven-io/dumbo';
import {
  getPostgreSQLEventStore,
  postgreSQLRawSQLProjection,
  rebuildPostgreSQLProjections,
} from '@event-driven-io/emmett-postgresql';
import { openPool } from '@micromart/postgres/pool';
import { onFreshDatabase, type Server } from '../database.ts';
import { requireSame } from '../protocol.ts';
import type { Workload } from '../workload.ts';

const BATCH = 1_000;
const APPENDED_AT_ONCE = 200;

type Moved = { type: 'ItemAdded' | 'ItemRemoved'; data: { productId: string; quantity: number; at: string } };

const TABLES = `
  CREATE TABLE emt_total (product_id text COLLATE "C" PRIMARY KEY,
    added bigint, removed bigint, units_added bigint, units_removed bigint) WITH (fillfactor = 50);
  CREATE TABLE emt_minute (bucket timestamptz, product_id text COLLATE "C",
    added bigint, removed bigint, units_added bigint, units_removed bigint, PRIMARY KEY (bucket, product_id))
    WITH (fillfactor = 70);
  CREATE TABLE emt_hour (LIKE emt_minute INCLUDING ALL) WITH (fillfactor = 70);
  CREATE TABLE emt_day (LIKE emt_minute INCLUDING ALL) WITH (fillfactor = 70);`;

const counters = postgreSQLRawSQLProjection<Moved>({
  name: 'counters',
  canHandle: ['ItemAdded', 'ItemRemoved'],
  evolve: ({ type, data: { productId, quantity, at } }) => {
    const [added, removed] = type === 'ItemAdded' ? [1, 0] : [0, 1];
    return SQL`
      WITH minutes AS (INSERT INTO emt_minute AS c VALUES (date_trunc('minute', ${at}::timestamptz, 'UTC'), ${productId}, ${added}, ${removed}, ${added * quantity}, ${removed * quantity})
        ON CONFLICT (bucket, product_id) DO UPDATE SET added = c.added + excluded.added, removed = c.removed + excluded.removed, units_added = c.units_added + excluded.units_added, units_removed = c.units_removed + excluded.units_removed),
      hours AS (INSERT INTO emt_hour AS c VALUES (date_trunc('hour', ${at}::timestamptz, 'UTC'), ${productId}, ${added}, ${removed}, ${added * quantity}, ${removed * quantity})
        ON CONFLICT (bucket, product_id) DO UPDATE SET added = c.added + excluded.added, removed = c.removed + excluded.removed, units_added = c.units_added + excluded.units_added, units_removed = c.units_removed + excluded.units_removed),
      days AS (INSERT INTO emt_day AS c VALUES (date_trunc('day', ${at}::timestamptz, 'UTC'), ${productId}, ${added}, ${removed}, ${added * quantity}, ${removed * quantity})
        ON CONFLICT (bucket, product_id) DO UPDATE SET added = c.added + excluded.added, removed = c.removed + excluded.removed, units_added = c.units_added + excluded.units_added, units_removed = c.units_removed + excluded.units_removed)
      INSERT INTO emt_total AS c VALUES (${productId}, ${added}, ${removed}, ${added * quantity}, ${removed * quantity})
        ON CONFLICT (product_id) DO UPDATE SET added = c.added + excluded.added, removed = c.removed + excluded.removed, units_added = c.units_added + excluded.units_added, units_removed = c.units_removed + excluded.units_removed`;
  },
});

export const followByEmmett = (server: Server, workload: Workload): Promise<number> =>
  onFreshDatabase(server, async (url) => {
    const pool = openPool(url, { max: 1, name: 'emmett' });
    const store = getPostgreSQLEventStore(url);
    try {
      await store.schema.migrate();
      await pool.query(TABLES);
      await append(store, workload);
      const startedMs = performance.now();
      const consumer = rebuildPostgreSQLProjections<Moved>({
        connectionString: url,
        projections: [counters],
        pulling: { batchSize: BATCH },
      });
      await consumer.start();
      const seconds = (performance.now() - startedMs) / 1_000;
      await consumer.close();
      for (const table of ['emt_total', 'emt_minute', 'emt_hour', 'emt_day']) {
        const { rows } = await pool.query(
          `SELECT sum(added)::bigint AS added, sum(removed)::bigint AS removed,
                  sum(units_added)::bigint AS "unitsAdded", sum(units_removed)::bigint AS "unitsRemoved" FROM ${table}`,
        );
        requireSame(table, rows[0], workload.totals);
      }
      return workload.events / seconds;
    } finally {
      await store.close();
      await pool.end();
    }
  });

async function append(
  store: ReturnType<typeof getPostgreSQLEventStore>,
  { partitions }: Workload,
): Promise<void> {
  for (const [partition, events] of partitions.entries()) {
    for (let from = 0; from < events.length; from += APPENDED_AT_ONCE) {
      const batch = events.slice(from, from + APPENDED_AT_ONCE).flatMap((event): Moved[] => {
        if (event.type !== 'cart.item-added' && event.type !== 'cart.item-removed') return [];
        const { productId, quantity } = event.data;
        const type = event.type === 'cart.item-added' ? 'ItemAdded' : 'ItemRemoved';
        return [{ type, data: { productId, quantity, at: event.time } }];
      });
      await store.appendToStream(`cart-${partition}`, batch);
    }
  }
}
