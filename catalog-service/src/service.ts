import { feedRoutes } from '@micromart/event-log/feed-routes';
import { isDiskFull } from '@micromart/postgres/failure';
import { refuseOldServer } from '@micromart/postgres/server-version';
import type { Logger } from '@micromart/process/logger';
import type { Running } from '@micromart/service/run';
import { startService } from '@micromart/service/start-service';
import { catalogAsyncApi } from './asyncapi.ts';
import type { Config } from './config.ts';
import { jobRoutes } from './job-routes.ts';
import { openJobRequests } from './jobs/postgres-job-requests.ts';
import { productRoutes } from './product-routes.ts';
import { isUnavailable, openCatalogReader } from './store/open-store.ts';

/**
 * The catalog's API as a value: it answers reads from the store, and accepts every write as a job for the worker. It creates
 * no schema. If it starts before the worker, it listens, says what it waits for, and continues by itself.
 */
export const startCatalogService = (config: Config, logger: Logger): Promise<Running> =>
  startService({ name: 'catalog-service', settings: config, logger }, async ({ opened, started }) => {
    const warn = (part: string) => (err: unknown) => logger.warn({ err }, part);
    const reader = opened(await openCatalogReader(config.STORE_URL, warn('store')));
    await refuseOldServer(config.QUEUE_URL);
    const jobRequests = opened(openJobRequests(config.QUEUE_URL, warn('queue')));
    const feed = started(feedRoutes(reader.log));
    return {
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
      isUnavailable,
      isDiskFull,
      asyncapi: catalogAsyncApi,
    };
  });
