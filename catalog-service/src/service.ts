import { feedRoutes } from '@micromart/event-log/feed-routes';
import { createApp } from '@micromart/http/app';
import { createAuthentication } from '@micromart/http/auth';
import { createMetrics } from '@micromart/http/metrics';
import { startServer } from '@micromart/http/server';
import { refuseOldServer } from '@micromart/postgres/server-version';
import type { Logger } from '@micromart/process/logger';
import type { Running } from '@micromart/service/run';
import { catalogAsyncApi } from './asyncapi.ts';
import type { Config } from './config.ts';
import { jobRoutes } from './job-routes.ts';
import { openJobRequests } from './jobs/postgres-job-requests.ts';
import { productRoutes } from './product-routes.ts';
import { isUnavailable, openCatalogReader } from './store/open-store.ts';

/**
 * The catalog's API as a value: it answers reads from the store, and takes every write as a job for the worker. It makes
 * no schema; started before the worker it listens, says what it waits for, and goes on by itself.
 */
export async function startCatalogService(config: Config, logger: Logger): Promise<Running> {
  const reader = await openCatalogReader(config.STORE_URL, (error) => logger.warn({ err: error }, 'store'));
  await refuseOldServer(config.QUEUE_URL);
  const jobRequests = openJobRequests(config.QUEUE_URL, (error) => logger.warn({ err: error }, 'queue'));
  const feed = feedRoutes(reader.log);
  const app = createApp({
    name: 'catalog-service',
    logger,
    metrics: createMetrics('catalog-service'),
    authenticate: createAuthentication({
      jwks: config.AUTH_JWKS,
      issuer: config.AUTH_ISSUER,
      audience: config.AUTH_AUDIENCE,
    }),
    routes: [
      ...productRoutes(reader, {
        lifetimes: { maxAgeS: config.CACHE_MAX_AGE, maxAgeRevalidatedS: config.CACHE_MAX_AGE_REVALIDATED },
        now: () => new Date(),
      }),
      ...jobRoutes(jobRequests),
      ...feed.routes,
    ],
    checks: [
      { name: 'store', check: reader.check },
      { name: 'queue', check: jobRequests.check },
    ],
    ratePerSecond: config.RATE_LIMIT_PER_SECOND,
    readsPerSecond: config.READ_LIMIT_PER_SECOND,
    metricsOpen: config.METRICS_OPEN,
    isUnavailable: isUnavailable,
    asyncapi: catalogAsyncApi,
  });
  const server = await startServer(app, { host: config.HOST, port: config.PORT, logger });
  return {
    url: server.url,
    async close() {
      feed.close();
      await server.close();
      await Promise.all([reader.close(), jobRequests.close()]);
    },
  };
}
