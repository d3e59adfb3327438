/**
 * The product's own set-based statement, driven by pgbench: batches of a thousand, added up before the clock starts, so
 * this is what the database alone can take from one connection. Arrays are read from a table, so none is sent, or shared.
 */

import type { CartEvent } from '@micromart/contracts/cart-events';
import { openPool, type Pool } from '@micromart/postgres/pool';
import { COUNTER_NAMES, columnOf } from '@micromart/shopper-tracking-service/counters';
import { tally } from '@micromart/shopper-tracking-service/counts';
import { onFreshDatabase, type Server } from '../database.ts';
import { openCounters, requireCounted, SUBSCRIPTION, startPositions } from '../follower-database.ts';
import { runPgbench } from '../pgbench.ts';
import { LOG, type Workload } from '../workload.ts';

const BATCH = 1_000;
const KINDS = ['minute', 'quarter', 'hour', 'day', 'total'] as const;
const COUNTERS = COUNTER_NAMES.map(columnOf);

const upsert = (kind: (typeof KINDS)[number]): string => {
  const [table, key] =
    kind === 'total' ? ['counts_total', 'product_id'] : [`counts_by_${kind}`, 'bucket, product_id'];
  const columns = [...key.split(', '), ...COUNTERS].map((column) => `b.${kind}_${column}`);
  return `INSERT INTO ${table} AS c (${key}, ${COUNTERS.join(', ')})
    SELECT u.* FROM batch b, unnest(${columns.join(', ')}) u
    ON CONFLICT (${key}) DO UPDATE SET ${COUNTERS.map((one) => `${one} = c.${one} + excluded.${one}`).join(', ')}`;
};

const SCRIPT = `\\set n :n + 1
BEGIN;
SELECT partition FROM subscription_positions p JOIN batches b USING (partition)
  WHERE b.n = :n AND subscription = '${SUBSCRIPTION}' AND p.sequence = b.since FOR UPDATE OF p;
WITH batch AS (SELECT * FROM batches WHERE n = :n),
  minutes AS (${upsert('minute')}), quarters AS (${upsert('quarter')}), hours AS (${upsert('hour')}), days AS (${upsert('day')})
  ${upsert('total')};
UPDATE subscription_positions p SET sequence = b.till, head = GREATEST(p.head, b.till) FROM batches b
  WHERE b.n = :n AND subscription = '${SUBSCRIPTION}' AND p.partition = b.partition AND p.sequence = b.since;
COMMIT;
`;

export const followByPgbench = (server: Server, workload: Workload, pgbench: string): Promise<number> =>
  onFreshDatabase(server, async (url) => {
    const store = await openCounters(url);
    const pool = openPool(url, { max: 1, name: 'pgbench follower' });
    try {
      await startPositions(pool, LOG, workload.partitions.length);
      const batches = await prepareBatches(pool, workload);
      const { perSecond } = await runPgbench({
        pgbench,
        url,
        script: SCRIPT,
        clients: 1,
        extent: { transactionsPerClient: batches },
        variables: { n: 0 },
      });
      await requireCounted(pool, workload.totals, workload.events);
      return (perSecond * workload.events) / batches;
    } finally {
      await pool.end();
      await store.close();
    }
  });

/** Writes the batches down, the partitions in turn; gives their number. */
async function prepareBatches(pool: Pool, { partitions }: Workload): Promise<number> {
  const columns = KINDS.flatMap((kind) => [
    ...(kind === 'total' ? [] : [`${kind}_bucket timestamptz[]`]),
    `${kind}_product_id text[]`,
    ...COUNTERS.map((counter) => `${kind}_${counter} bigint[]`),
  ]);
  await pool.query(
    `CREATE TABLE batches (n int PRIMARY KEY, partition int, since bigint, till bigint, ${columns.join(', ')})`,
  );
  const places = Array.from({ length: columns.length + 4 }, (_, n) => `$${n + 1}`).join(', ');
  let n = 0;
  for (let from = 0; partitions.some((events) => events.length > from); from += BATCH) {
    for (const [partition, all] of partitions.entries()) {
      const events = all.slice(from, from + BATCH);
      if (events.length === 0) continue;
      n += 1;
      await pool.query({
        name: 'batch',
        text: `INSERT INTO batches VALUES (${places})`,
        values: [n, partition, from, from + events.length, ...arraysOf(events)],
      });
    }
  }
  await pool.query('VACUUM (ANALYZE) batches');
  return n;
}

function arraysOf(events: readonly CartEvent[]): unknown[] {
  const sums = tally(events, new Date());
  return KINDS.flatMap((kind) => {
    const buckets = kind === 'total' ? [{ bucket: 0, sums: sums.total }] : sums[kind];
    const rows = buckets.flatMap(({ bucket, sums }) => sums.map((sum) => ({ bucket, ...sum })));
    return [
      ...(kind === 'total' ? [] : [rows.map(({ bucket }) => new Date(bucket))]),
      rows.map(({ productId }) => productId),
      ...COUNTERS.map((_, n) => rows.map(({ counts }) => counts[n])),
    ];
  });
}
