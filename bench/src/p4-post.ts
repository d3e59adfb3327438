/**
 * P4: how many `POST /carts/{cartId}/items` a second are answered over HTTP, each durable, from 64 connections. Against
 * an express application with the same validation that does nothing; and against itself, while the Kafka that its events
 * are to be published to is away. The load generator is a process of its own and shares the cores with the service and
 * PostgreSQL.
 */
import { openPool } from '@micromart/postgres/pool';
import { cartIdOf } from './cart-database.ts';
import type { Server } from './database.ts';
import type { Figure } from './figure.ts';
import { type LoadPlan, type LoadResult, postLoad } from './post-load.ts';
import { compare, requireSame, runRounds } from './protocol.ts';
import { startProcess } from './service-process.ts';
import { openShop } from './shop.ts';

const CONNECTIONS = 64;
const CARTS = 2_048;
const SECONDS = 6;
const QUICK_SECONDS = 3;
/** Each leg is a process of its own, whose first seconds measure the compiler: a fifth to a third less, also of express. */
const WARM_UP_SECONDS = 4;
/** Nothing listens there. */
const NO_KAFKA = 'kafka://127.0.0.1:1/cart-events';

export const p4Post: Figure = async ({ server, rounds, quick, tell }) => {
  const seconds = quick ? QUICK_SECONDS : SECONDS;
  const legs = [
    { name: 'ours', run: () => post(server, { seconds }) },
    { name: 'ours with Kafka away', run: () => post(server, { seconds, kafkaUrl: NO_KAFKA }) },
    { name: 'ours with an idempotency key', run: () => post(server, { seconds, keys: 'key' }) },
    { name: 'express', run: () => postNothing(seconds) },
  ];
  const [own, away, keyed, express] = await runRounds(legs, { rounds, warmUps: 1, tell });
  const row = {
    figure: 'P4',
    unit: 'requests/s',
    against: 'express with the same validation, doing nothing',
  };
  return [
    {
      ...row,
      what: '`POST /carts/{cartId}/items` over HTTP, durable',
      bar: { atLeast: 0.5, moonshot: 0.8 },
      ...compare(own!, express!),
    },
    { ...row, what: 'the same with an `Idempotency-Key`', ...compare(keyed!, express!) },
    {
      ...row,
      what: 'the same while the Kafka that it publishes to is away',
      against: 'ours without Kafka',
      ...compare(away!, own!),
    },
  ];
};

async function post(
  server: Server,
  { seconds, keys, kafkaUrl }: { seconds: number; keys?: string; kafkaUrl?: string },
): Promise<number> {
  const shop = await openShop(server, { tracking: false, ...(kafkaUrl && { kafkaUrl }) });
  try {
    const load = { ...shop.cart, authorization: shop.shopper, cartIds: await shop.openCarts(CARTS) };
    const { statuses, perSecond } = await postWarm(load, seconds, keys);
    await requireStored(shop.cartUrl, statuses);
    return perSecond;
  } finally {
    await shop.close();
  }
}

/** Loads for a while, and then for `seconds` that count; `statuses` are those of both. */
async function postWarm(
  load: Pick<LoadPlan, 'host' | 'port' | 'authorization' | 'cartIds'>,
  seconds: number,
  keys?: string,
): Promise<LoadResult> {
  const post = (seconds: number, during: string) =>
    postLoad({ ...load, connections: CONNECTIONS, seconds, ...(keys && { keys: `${keys}-${during}` }) });
  const before = await post(WARM_UP_SECONDS, 'warm-up');
  const { statuses, perSecond } = await post(seconds, 'measured');
  const all = { ...before.statuses };
  for (const [status, count] of Object.entries(statuses))
    all[Number(status)] = (all[Number(status)] ?? 0) + count;
  return { statuses: all, perSecond };
}

/** Every request was answered with 200, and every 200 is an event in the log. */
async function requireStored(url: string, statuses: Readonly<Record<number, number>>): Promise<void> {
  const pool = openPool(url, { max: 1, name: 'bench' });
  try {
    const { rows } = await pool.query('SELECT count(*)::int AS events FROM event_log_events');
    requireSame('statuses', statuses, { 200: rows[0].events });
  } finally {
    await pool.end();
  }
}

async function postNothing(seconds: number): Promise<number> {
  const peer = await startProcess('bench/src/peers/express-main.ts', {});
  try {
    const cartIds = Array.from({ length: CARTS }, (_, n) => cartIdOf(n));
    const { statuses, perSecond } = await postWarm(
      { ...peer, authorization: 'Bearer none', cartIds },
      seconds,
    );
    requireSame('statuses', Object.keys(statuses), ['200']);
    return perSecond;
  } finally {
    await peer.stop();
  }
}
