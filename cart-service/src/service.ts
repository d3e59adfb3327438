import { feedRoutes } from '@micromart/shared/event-log/feed-routes';
import { createApp } from '@micromart/shared/http/app';
import { createAuthentication } from '@micromart/shared/http/auth';
import { createMetrics } from '@micromart/shared/http/metrics';
import { startServer } from '@micromart/shared/http/server';
import { isAway } from '@micromart/shared/postgres/failure';
import type { Logger } from '@micromart/shared/process/logger';
import type { Running } from '@micromart/shared/process/run';
import { cartAsyncApi } from './asyncapi.ts';
import type { Config } from './config.ts';
import { cartRoutes } from './routes.ts';
import { openStore } from './store/store.ts';

/** The cart service as a value: carts over HTTP, and their events on the feed. */
export async function startCartService(config: Config, logger: Logger): Promise<Running> {
  const store = await openStore(config.STORE_URL, (error) => logger.warn({ err: error }, 'store'));
  const feed = feedRoutes(store.log);
  const app = createApp({
    name: 'cart-service',
    logger,
    metrics: createMetrics('cart-service'),
    authenticate: createAuthentication({
      jwks: config.AUTH_JWKS,
      issuer: config.AUTH_ISSUER,
      audience: config.AUTH_AUDIENCE,
    }),
    routes: [...cartRoutes(store, () => new Date()), ...feed.routes],
    checks: [{ name: 'store', check: store.check }],
    ratePerSecond: config.RATE_LIMIT_PER_SECOND,
    metricsOpen: config.METRICS_OPEN,
    isAway,
    asyncapi: cartAsyncApi,
  });
  const server = await startServer(app, { host: config.HOST, port: config.PORT, logger });
  return {
    url: server.url,
    async close() {
      feed.close();
      await server.close();
      await store.close();
    },
  };
}
