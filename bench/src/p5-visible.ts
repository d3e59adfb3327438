/**
 * P5: how long after a cart's change is acknowledged its counter shows it over HTTP, at half of the rate that the cart
 * can take. Against graphile-worker on the same server, from the acknowledgement of `add_job` to its task, at half of
 * its own rate. Ours includes the question over HTTP, theirs does not.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openPool } from '@micromart/shared/postgres/pool';
import type { Server } from './database.ts';
import type { Figure } from './figure.ts';
import { latenciesOfJobs } from './peers/graphile-jobs.ts';
import { postLoad } from './post-load.ts';
import { compare, quantile, requireSame } from './protocol.ts';
import { openShop } from './shop.ts';
import { measureVisible } from './visible.ts';

const CARTS = 2_048;
const CONNECTIONS = 64;
const MAX_RATE_SECONDS = 3;
const SECONDS = 10;
const QUICK_SECONDS = 5;
const COUNTED_CAP_MS = 60_000;
const POLL_MS = 50;
const AT = { p50: 0.5, p99: 0.99 } as const;

export const p5Visible: Figure = async ({ server, rounds, quick, tell }) => {
  const seconds = quick ? QUICK_SECONDS : SECONDS;
  const measures = {
    p50: { ours: [] as number[], theirs: [] as number[] },
    p99: { ours: [] as number[], theirs: [] as number[] },
  };
  for (let round = -1; round < rounds; round += 1) {
    const own = await latenciesOfCounters(server, seconds);
    const jobs = await latenciesOfJobs(server, seconds);
    for (const [name, q] of Object.entries(AT) as ['p50' | 'p99', number][]) {
      const [a, b] = [quantile(own.latenciesMs, q), quantile(jobs.latenciesMs, q)];
      tell(
        `  ${round < 0 ? 'warm-up' : `round ${round + 1}`}  ${name}: ours ${a.toFixed(1)} ms at ${Math.round(own.perSecond)}/s, graphile-worker ${b.toFixed(1)} ms at ${Math.round(jobs.perSecond)}/s`,
      );
      if (round < 0) continue;
      measures[name].ours.push(a);
      measures[name].theirs.push(b);
    }
  }
  return (['p50', 'p99'] as const).map((name) => ({
    figure: 'P5',
    what: `commit to counter visible over HTTP at half of the maximum rate, ${name}`,
    against: 'graphile-worker, add_job to its task',
    unit: 'ms',
    bar: { atMost: 2, moonshot: 1 },
    ...compare(measures[name].ours, measures[name].theirs),
  }));
};

async function latenciesOfCounters(
  server: Server,
  seconds: number,
): Promise<{ latenciesMs: readonly number[]; perSecond: number }> {
  const shop = await openShop(server, { tracking: true });
  try {
    const cartIds = await shop.openCarts(CARTS);
    const { perSecond: maxPerSecond, statuses } = await postLoad({
      ...shop.cart,
      connections: CONNECTIONS,
      seconds: MAX_RATE_SECONDS,
      authorization: shop.shopper,
      cartIds,
    });
    await requireAdded(shop.trackingUrl!, statuses[200]!);
    const perSecond = maxPerSecond / 2;
    const { posted, latenciesMs } = await measureVisible({
      host: shop.cart.host,
      cartPort: shop.cart.port,
      trackingPort: shop.tracking!.port,
      shopper: shop.shopper,
      business: shop.business,
      cartIds,
      perSecond,
      seconds,
    });
    await requireAdded(shop.trackingUrl!, statuses[200]! + posted);
    return { latenciesMs, perSecond };
  } finally {
    await shop.close();
  }
}

/** Waits for the follower, then holds the counters to what was posted. */
async function requireAdded(url: string, posted: number): Promise<void> {
  const pool = openPool(url, { max: 1, name: 'bench' });
  try {
    let added = 0;
    for (let waitedMs = 0; added < posted && waitedMs < COUNTED_CAP_MS; waitedMs += POLL_MS) {
      const { rows } = await pool.query('SELECT coalesce(sum(added), 0)::int AS added FROM counts_total');
      added = rows[0].added;
      if (added < posted) await sleep(POLL_MS);
    }
    requireSame('counted', added, posted);
  } finally {
    await pool.end();
  }
}
