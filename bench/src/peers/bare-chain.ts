/**
 * The hops of P5 and nothing else: two processes, HTTP between them and before each, a durable commit in each; Node's own
 * server, a statement apiece, no token, no validation, no fence. It is what the way costs here before anything is promised.
 */

import { openPool } from '@micromart/postgres/pool';
import { until } from '@micromart/testing/until';
import type { MeasureAt } from '../at-rate.ts';
import { cartIdOf } from '../cart-database.ts';
import { onFreshDatabase, type Server } from '../database.ts';
import { startProcess } from '../service-process.ts';
import { measureVisible } from '../visible.ts';

const CARTS = 64;
const COUNTED_CAP_MS = 60_000;
const NOBODY = 'Bearer none';

/** Starts the chain and has it measured; what was posted is counted in the end, every time. */
export const onBareChain = <T>(
  server: Server,
  { seconds }: { seconds: number },
  leg: (measureAt: MeasureAt) => Promise<T>,
): Promise<T> =>
  onFreshDatabase(server, (ownerUrl) =>
    onFreshDatabase(server, async (followerUrl) => {
      const owner = await startProcess('bench/src/peers/bare-owner-main.ts', { STORE_URL: ownerUrl });
      const feed = `http://${owner.host}:${owner.port}/feed`;
      const follower = await startProcess('bench/src/peers/bare-follower-main.ts', {
        STORE_URL: followerUrl,
        FEED_URL: feed,
      });
      const pool = openPool(followerUrl, { max: 1, name: 'bench' });
      let added = 0;
      try {
        return await leg(async (perSecond) => {
          const { posted, latenciesMs } = await measureVisible({
            host: owner.host,
            cartPort: owner.port,
            trackingPort: follower.port,
            shopper: NOBODY,
            business: NOBODY,
            cartIds: Array.from({ length: CARTS }, (_, n) => cartIdOf(n)),
            perSecond,
            seconds,
          });
          added += posted;
          const counted = async () => (await pool.query('SELECT added FROM counter')).rows[0].added;
          await until(async () => (await counted()) === added, { capMs: COUNTED_CAP_MS });
          return { perSecond, latenciesMs };
        });
      } finally {
        await pool.end();
        await follower.stop();
        await owner.stop();
      }
    }),
  );
