/**
 * Ours of P5: a shop whose carts are posted into at an even rate, and its counters, asked over HTTP when they show it. What
 * was posted is counted in the end, every time.
 */
import { openPool } from '@micromart/postgres/pool';
import { until } from '@micromart/testing/until';
import type { MeasureAt } from './at-rate.ts';
import type { Server } from './database.ts';
import { postLoad } from './post-load.ts';
import { requireSame, WrongAnswer } from './protocol.ts';
import type { ServiceProcess } from './service-process.ts';
import { openShop } from './shop.ts';
import { measureVisible } from './visible.ts';

const CARTS = 2_048;
const CONNECTIONS = 64;
const MAX_RATE_SECONDS = 3;
const JOIN_CAP_MS = 30_000;
const COUNTED_CAP_MS = 60_000;

/**
 * Opens a shop, finds its maximum rate (requests a second), and has it measured. With `kafkaUrl` its events go by that topic,
 * every one of them: WrongAnswer when the feed had to help.
 */
export async function onCounters<T>(
  server: Server,
  { seconds, kafkaUrl }: { seconds: number; kafkaUrl?: string },
  leg: (measureAt: MeasureAt, maxPerSecond: number) => Promise<T>,
): Promise<T> {
  const shop = await openShop(server, { tracking: true, ...(kafkaUrl && { kafkaUrl }) });
  try {
    const tracking = shop.tracking!;
    await until(() => isComplete(tracking), { capMs: JOIN_CAP_MS });
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
    const measured = await leg(async (perSecond) => {
      const { posted, latenciesMs } = await measureVisible({
        host: shop.cart.host,
        cartPort: shop.cart.port,
        trackingPort: tracking.port,
        shopper: shop.shopper,
        business: shop.business,
        cartIds,
        perSecond,
        seconds,
      });
      added += posted;
      await requireAdded(shop.trackingUrl!, added);
      return { perSecond, latenciesMs };
    }, maxPerSecond);
    if (kafkaUrl) requireSame('events that Kafka did not bring', await countHealed(tracking), 0);
    return measured;
  } finally {
    await shop.close();
  }
}

/** Whether it lacks nothing, not even what it could do without: a follower by Kafka has joined its group. */
async function isComplete({ host, port }: ServiceProcess): Promise<boolean> {
  const response = await fetch(`http://${host}:${port}/health/ready`);
  const { parts } = (await response.json()) as { parts: Record<string, { ok: boolean }> };
  return Object.values(parts).every(({ ok }) => ok);
}

/** Waits for the follower, then holds the counters to what was posted. */
async function requireAdded(url: string, posted: number): Promise<void> {
  const pool = openPool(url, { max: 1, name: 'bench' });
  const count = async (): Promise<number> =>
    (await pool.query('SELECT coalesce(sum(added), 0)::int AS added FROM counts_total')).rows[0].added;
  try {
    // Where they are still too few at the cap, the next line says so.
    await until(async () => (await count()) >= posted, { capMs: COUNTED_CAP_MS }).catch(() => {});
    requireSame('counted', await count(), posted);
  } finally {
    await pool.end();
  }
}

/** How many events came from the owner's feed because Kafka had not brought them. */
async function countHealed({ host, port }: ServiceProcess): Promise<number> {
  const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
  const counts = [...text.matchAll(/^subscription_healed_total{.*} (\d+)$/gm)];
  if (counts.length === 0) throw new WrongAnswer('shopper tracking does not tell what Kafka did not bring');
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}
