/**
 * The follower as it is usually written: each event is one transaction, which adds it to the counters and moves the
 * position. At its best: the product's own statement and the fence in one round trip each, one connection for a
 * partition, half of them at a time, so that their commits share a flush.
 */
import { inTransaction, openPool } from '@micromart/postgres/pool';
import { executeAll } from '@micromart/postgres/statement';
import { tally } from '@micromart/shopper-tracking-service/counts';
import { onFreshDatabase, type Server } from '../database.ts';
import { openCounters, requireCounted, SUBSCRIPTION, startPositions } from '../follower-database.ts';
import { LOG, type Workload } from '../workload.ts';

const CONNECTIONS = 8;
const MAX_ATTEMPTS = 20;
const DEADLOCK = '40P01';

export const followOneByOne = (
  server: Server,
  { partitions, totals, events: count }: Workload,
): Promise<number> =>
  onFreshDatabase(server, async (url) => {
    const store = await openCounters(url);
    const pool = openPool(url, { max: CONNECTIONS, name: 'one by one' });
    try {
      await startPositions(pool, LOG, partitions.length);
      const apply = (event: Workload['partitions'][number][number]) =>
        inTransaction(pool, async (client) => {
          const { rowCount } = await client.query({
            name: 'move',
            text: `UPDATE subscription_positions SET sequence = $3
                   WHERE subscription = $1 AND partition = $2 AND sequence = $3 - 1`,
            values: [SUBSCRIPTION, event.partition, Number(event.sequence)],
          });
          if (rowCount === 1) await executeAll(client, store.addition(tally([event], new Date())));
        });
      const waiting = [...partitions];
      const startedMs = performance.now();
      const work = async () => {
        for (let events = waiting.shift(); events; events = waiting.shift())
          for (const event of events) await again(() => apply(event));
      };
      await Promise.all(Array.from({ length: CONNECTIONS }, work));
      const seconds = (performance.now() - startedMs) / 1_000;
      await requireCounted(pool, totals, count);
      return count / seconds;
    } finally {
      await pool.end();
      await store.close();
    }
  });

async function again(work: () => Promise<unknown>): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    try {
      await work();
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== DEADLOCK || tried === MAX_ATTEMPTS) throw error;
    }
  }
}
