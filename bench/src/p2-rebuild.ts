/**
 * P2: a full rebuild of the counters from the log, beside the live ones: from the order until it is compared. Theirs fills the
 * same tables from the same events by `INSERT … SELECT … GROUP BY`, in the database. The live counters were filled by that
 * SQL, so the comparison is a recount as well. Then the same under traffic: the live counters' reads, with and without it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog } from '@micromart/event-log/event-log';
import { createMetrics } from '@micromart/http/metrics';
import { openPool, type Pool } from '@micromart/postgres/pool';
import { createLogger } from '@micromart/process/logger';
import type { CountStore } from '@micromart/shopper-tracking-service/store';
import { CART_EVENTS, cartCounts } from '@micromart/shopper-tracking-service/subscriptions';
import { createConsistency } from '@micromart/subscription/freshness/consistency';
import { startGenerations } from '@micromart/subscription/generations/generations';
import { createLiveGenerations } from '@micromart/subscription/generations/live-generations';
import { createSubscriptionMetrics } from '@micromart/subscription/metrics';
import { createRebuilds, type Rebuilds } from '@micromart/subscription/rebuild/rebuild';
import type { EventSource } from '@micromart/subscription/sources/event-source';
import { openCartStore } from './cart-database.ts';
import { onFreshDatabase } from './database.ts';
import type { Figure, Row } from './figure.ts';
import { fillLog, groupIntoCounters } from './filled-log.ts';
import { openCounters } from './follower-database.ts';
import { compare, quantile, requireSame, runRounds } from './protocol.ts';

const EVENTS = 1_000_000;
const QUICK_EVENTS = 100_000;
const POLL_MS = 20;
const CAP_MS = 600_000;
const READS_PER_SECOND = 100;
const READ_ALONE_MS = 5_000;
const PRODUCT = '1000000';
/** Under traffic: this many events, so often. */
const APPENDED = 25;
const APPEND_INTERVAL_MS = 50;
const PARTITIONS = 16;

export const p2Rebuild: Figure = ({ server, rounds, quick, tell }) =>
  onFreshDatabase(server, async (url) => {
    const events = quick ? QUICK_EVENTS : EVENTS;
    const owner = await openCartStore(url);
    const store = await openCounters(url);
    const pool = openPool(url, { max: 3, name: 'bench' });
    try {
      await fillLog(pool, { events, endMs: Date.now() });
      await groupIntoCounters(pool);
      await standAtTheEnd(pool, owner.log.name);
      await pool.query('VACUUM (ANALYZE)');
      return await measure({ url, store, pool, log: owner.log, events, rounds, tell });
    } finally {
      await pool.end();
      await store.close();
      await owner.close();
    }
  });

async function measure({
  url,
  store,
  pool,
  log,
  events,
  rounds,
  tell,
}: {
  url: string;
  store: CountStore;
  pool: Pool;
  log: EventLog;
  events: number;
  rounds: number;
  tell: (line: string) => void;
}): Promise<Row[]> {
  const logger = createLogger({ name: 'bench', level: 'silent' });
  const model = cartCounts(store);
  const live = createLiveGenerations([model]);
  const source = sourceOf(log);
  const metrics = createSubscriptionMetrics(createMetrics('bench').registry);
  const generations = await startGenerations({ model, live, url, source, metrics, logger });
  const rebuilds = createRebuilds(generations, logger);
  const read = createReads(store, live);
  try {
    const quiet = [
      { name: 'ours', run: async () => events / ((await rebuildOnce(rebuilds)) / 1_000) },
      { name: 'INSERT … SELECT … GROUP BY', run: () => groupAside(pool, events) },
    ];
    const [own, sql] = await runRounds(quiet, { rounds, warmUps: 1, tell });
    const traffic = startTraffic(pool);
    const underTraffic = [
      { name: 'reads while it is rebuilt', run: () => read(() => rebuildOnce(rebuilds)) },
      { name: 'reads alone', run: () => read(() => sleep(READ_ALONE_MS)) },
    ];
    const [during, alone] = await runRounds(underTraffic, { rounds, warmUps: 1, tell });
    await traffic.stop();
    const figure = 'P2';
    return [
      {
        figure,
        what: `full rebuild of ${events.toLocaleString('en')} events, compared with the live counters: no row differs`,
        against: '`INSERT … SELECT … GROUP BY` in the database',
        unit: 'events/s',
        bar: { atLeast: 0.25, moonshot: 0.6 },
        ...compare(own!, sql!),
      },
      {
        figure,
        what: 'reads of the live counters meanwhile, under traffic, p99',
        against: 'the same reads without it',
        unit: 'ms',
        bar: { atMost: 2, moonshot: 1 },
        ...compare(during!, alone!),
      },
    ];
  } finally {
    await generations.close();
  }
}

/** From the order to the comparison, in milliseconds; drops the generation again. Throws WrongAnswer where rows differ. */
async function rebuildOnce(rebuilds: Rebuilds): Promise<number> {
  const startedMs = performance.now();
  const { id } = await rebuilds.begin({ by: 'bench', maxBytes: undefined });
  const isThere = async (state: string) => {
    for (;;) {
      const shown = await rebuilds.show(id);
      if (shown.state === state) return shown;
      if (performance.now() - startedMs > CAP_MS) throw new Error(`${id} is ${shown.state}: ${shown.reason}`);
      await sleep(POLL_MS);
    }
  };
  const { comparison } = await isThere('ready');
  const tookMs = performance.now() - startedMs;
  requireSame('rows that differ', [comparison!.differing, comparison!.listed], [0, []]);
  await rebuilds.drop(id, 'bench');
  await isThere('dropped');
  return tookMs;
}

/** Fills tables of the same shape in a schema of their own. */
async function groupAside(pool: Pool, events: number): Promise<number> {
  const client = await pool.connect();
  try {
    await client.query('DROP SCHEMA IF EXISTS aside CASCADE; CREATE SCHEMA aside');
    for (const table of ['total', 'by_minute', 'by_quarter', 'by_hour', 'by_day'])
      await client.query(`CREATE TABLE aside.counts_${table} (LIKE public.counts_${table} INCLUDING ALL)`);
    await client.query('SET search_path TO aside, public');
    const startedMs = performance.now();
    await groupIntoCounters(client);
    return events / ((performance.now() - startedMs) / 1_000);
  } finally {
    await client.query('RESET search_path');
    client.release();
  }
}

/** Reads a product's counters at a rate while something goes on; gives their p99 in milliseconds. */
function createReads(store: CountStore, live: ReturnType<typeof createLiveGenerations>) {
  const consistency = createConsistency({
    pool: store.pool,
    subscriptions: () => [CART_EVENTS],
    applied: live.applied,
    live,
  });
  return async (meanwhile: () => Promise<unknown>): Promise<number> => {
    const latenciesMs: number[] = [];
    const reads: Promise<void>[] = [];
    let isOver = false;
    const { signal } = new AbortController();
    const readOne = async (dueMs: number) => {
      await consistency.read({ headers: {}, signal }, (client) => store.total(client, PRODUCT));
      latenciesMs.push(performance.now() - dueMs);
    };
    const reading = (async () => {
      for (let dueMs = performance.now(); !isOver; dueMs += 1_000 / READS_PER_SECOND) {
        await sleep(Math.max(0, dueMs - performance.now()));
        reads.push(readOne(dueMs));
      }
    })();
    await meanwhile();
    isOver = true;
    await reading;
    await Promise.all(reads);
    return quantile(latenciesMs, 0.99);
  };
}

/** The owner's log, read from its database by this process, without a feed between. */
const sourceOf = (log: EventLog): EventSource => ({
  async *watch({ signal }) {
    while (!signal.aborted) {
      yield await log.heads();
      await sleep(APPEND_INTERVAL_MS, undefined, { signal });
    }
  },
  page: ({ partition, after, limit }) => log.page(partition, after, limit),
});

/** Lets the live counters stand at the log's end, as if they had been counted event by event. */
async function standAtTheEnd(pool: Pool, log: string): Promise<void> {
  await pool.query(
    `INSERT INTO event_log_heads (partition, last) SELECT partition, max(sequence) FROM event_log_events GROUP BY 1
     ON CONFLICT (partition) DO UPDATE SET last = excluded.last`,
  );
  await pool.query('INSERT INTO subscriptions (name, log) VALUES ($1, $2)', [CART_EVENTS, log]);
  await pool.query(
    `INSERT INTO subscription_positions (subscription, partition, sequence, head)
     SELECT $1, partition, last, last FROM event_log_heads`,
    [CART_EVENTS],
  );
}

/** Appends events all the time, to the partitions in turn. */
function startTraffic(pool: Pool): { stop(): Promise<void> } {
  let isOver = false;
  const appending = (async () => {
    for (let n = 0; !isOver; n += 1) {
      await pool.query(
        `WITH head AS (UPDATE event_log_heads SET last = last + $2 WHERE partition = $1 RETURNING last)
         INSERT INTO event_log_events (partition, sequence, id, type, subject, key, time, data)
         SELECT $1, last - $2 + k, gen_random_uuid(), 'cart.item-added', cart, cart, now(), json_build_object(
           'cartId', cart, 'shopper', cart, 'productId', '${PRODUCT}', 'quantity', 1, 'cartVersion', 1)
         FROM head, generate_series(1, $2::int) k, LATERAL (SELECT gen_random_uuid()::text AS cart WHERE k > 0) c`,
        [n % PARTITIONS, APPENDED],
      );
      await sleep(APPEND_INTERVAL_MS);
    }
  })();
  return {
    async stop() {
      isOver = true;
      await appending;
    },
  };
}
