/**
 * P5: how long after a cart's change is acknowledged its counter shows it over HTTP. Against graphile-worker on the same
 * server, from the acknowledgement of `add_job` to its task, both at the same rate: half of what the slower of the two,
 * graphile-worker, can take. And ours once more at half of what we can take, which is several times as much. Ours includes
 * the question over HTTP, theirs does not.
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

type Quantile = keyof typeof AT;

export const p5Visible: Figure = async ({ server, rounds, quick, tell }) => {
  const seconds = quick ? QUICK_SECONDS : SECONDS;
  const measured: Record<'theirs' | 'same' | 'own', Record<Quantile, number[]>> = {
    theirs: { p50: [], p99: [] },
    same: { p50: [], p99: [] },
    own: { p50: [], p99: [] },
  };
  let ownRate = 0;
  for (let round = -1; round < rounds; round += 1) {
    const jobs = await latenciesOfJobs(server, seconds);
    const counters = await latenciesOfCounters(server, jobs.perSecond, seconds);
    const legs = { theirs: jobs, ...counters };
    ownRate = counters.own.perSecond;
    for (const [leg, { latenciesMs, perSecond }] of Object.entries(legs)) {
      const found = (Object.keys(AT) as Quantile[]).map(
        (name) => [name, quantile(latenciesMs, AT[name])] as const,
      );
      const shown = found.map(([name, ms]) => `${name} ${ms.toFixed(1)} ms`).join(', ');
      tell(
        `  ${round < 0 ? 'warm-up' : `round ${round + 1}`}  ${NAMES[leg as keyof typeof legs]} at ${Math.round(perSecond)}/s: ${shown}`,
      );
      if (round < 0) continue;
      for (const [name, ms] of found) measured[leg as keyof typeof legs][name].push(ms);
    }
  }
  const what = 'commit to counter visible over HTTP';
  const row = { figure: 'P5', against: 'graphile-worker, add_job to its task', unit: 'ms' };
  return (['p50', 'p99'] as const).flatMap((name) => [
    {
      ...row,
      what: `${what} at half of the slower one's maximum rate, ${name}`,
      bar: { atMost: 2, moonshot: 1 },
      ...compare(measured.same[name], measured.theirs[name]),
    },
    {
      ...row,
      what: `the same with ours at half of its own maximum, ${Math.round(ownRate).toLocaleString('en')}/s, ${name}`,
      ...compare(measured.own[name], measured.theirs[name]),
    },
  ]);
};

const NAMES = { theirs: 'graphile-worker', same: 'ours', own: 'ours' };

type Latencies = { readonly latenciesMs: readonly number[]; readonly perSecond: number };

async function latenciesOfCounters(
  server: Server,
  theirRate: number,
  seconds: number,
): Promise<{ same: Latencies; own: Latencies }> {
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
    let added = statuses[200]!;
    await requireAdded(shop.trackingUrl!, added);
    const measureAt = async (perSecond: number): Promise<Latencies> => {
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
      added += posted;
      await requireAdded(shop.trackingUrl!, added);
      return { latenciesMs, perSecond };
    };
    return { same: await measureAt(theirRate), own: await measureAt(maxPerSecond / 2) };
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
