/**
 * P1: how many events a second a follower counts, exactly once: two counters with their units and three kinds of time
 * buckets, the events in memory, the counters in PostgreSQL. Ours is the whole subscription engine with the shopper
 * tracking service's projection, from its start to its last commit.
 */
import { createMetrics } from '@micromart/http/metrics';
import { createLogger } from '@micromart/process/logger';
import { CART_EVENTS, countCartEvents } from '@micromart/shopper-tracking-service/subscriptions';
import { createSubscriptionMetrics } from '@micromart/subscription/metrics';
import { startSubscription } from '@micromart/subscription/subscription';
import { onFreshDatabase, type Server } from './database.ts';
import type { Figure, Row } from './figure.ts';
import { countApplied, openCounters, requireCounted } from './follower-database.ts';
import { createMemorySource } from './memory-source.ts';
import { followByEmmett } from './peers/emmett-rebuild.ts';
import { followOneByOne } from './peers/one-by-one.ts';
import { followByPgbench } from './peers/pgbench-follower.ts';
import { findPgbench, PGBENCH_MISSING } from './pgbench.ts';
import { compare, runRounds } from './protocol.ts';
import { createWorkload, type Workload } from './workload.ts';

const WHAT = 'follower, two counters and time buckets, exactly once';
const UNIT = 'events/s';
const LEG_CAP_MS = 300_000;

/** The peers that take a transaction for each event get fewer of them: their rate does not depend on how many. */
const EVENTS = { ours: 200_000, slow: 10_000 };
const QUICK_EVENTS = { ours: 50_000, slow: 2_000 };

export const p1Follower: Figure = async ({ server, rounds, quick, tell }) => {
  const { ours, slow } = quick ? QUICK_EVENTS : EVENTS;
  const end = new Date();
  const [many, few] = [createWorkload(ours, end), createWorkload(slow, end)];
  const pgbench = await findPgbench();
  const legs = [
    { name: 'ours', run: () => follow(server, many) },
    { name: 'one transaction an event', run: () => followOneByOne(server, few) },
    { name: 'emmett', run: () => followByEmmett(server, few) },
    ...(pgbench ? [{ name: 'pgbench', run: () => followByPgbench(server, many, pgbench) }] : []),
  ];
  const [own, oneByOne, emmett, set] = await runRounds(legs, { rounds, warmUps: 1, tell });
  const row = { figure: 'P1', what: WHAT, unit: UNIT };
  return [
    {
      ...row,
      against: 'a transaction per event',
      bar: { atLeast: 15, moonshot: 25 },
      ...compare(own!, oneByOne!),
    },
    {
      ...row,
      against: "emmett's projection rebuild",
      bar: { atLeast: 15, moonshot: 25 },
      ...compare(own!, emmett!),
    },
    {
      ...row,
      against: 'the same statement by pgbench, batches of 1,000, added up beforehand',
      bar: { atLeast: 0.6, moonshot: 0.9 },
      ...(set ? compare(own!, set) : { note: PGBENCH_MISSING }),
    },
  ] satisfies Row[];
};

const follow = (server: Server, workload: Workload): Promise<number> =>
  onFreshDatabase(server, async (url) => {
    const store = await openCounters(url);
    const startedMs = performance.now();
    const subscription = startSubscription({
      name: CART_EVENTS,
      projection: countCartEvents(store, () => new Date()),
      url,
      source: createMemorySource(workload),
      metrics: createSubscriptionMetrics(createMetrics('bench').registry),
      logger: createLogger({ name: 'bench', level: 'silent' }),
    });
    try {
      const cap = AbortSignal.timeout(LEG_CAP_MS);
      for (;;) {
        const { notifications } = subscription.applied;
        if ((await countApplied(store.pool)) === workload.events) break;
        cap.throwIfAborted();
        if (notifications === subscription.applied.notifications) await subscription.applied.next(cap);
      }
      const seconds = (performance.now() - startedMs) / 1_000;
      await requireCounted(store.pool, workload.totals, workload.events);
      return workload.events / seconds;
    } finally {
      await subscription.close();
      await store.close();
    }
  });
