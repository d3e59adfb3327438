import { feedRoutes } from '@micromart/event-log/feed-routes';
import { createSend } from '@micromart/http/client/send';
import { createServiceToken } from '@micromart/http/client/service-token';
import type { Metrics } from '@micromart/http/metrics';
import { CACHE_LIMITS, createCachingClient } from '@micromart/http-cache/caching-client';
import { createCacheMetrics } from '@micromart/http-cache/metrics';
import { steadyClock } from '@micromart/http-cache/steady-clock';
import { createRelayMetrics } from '@micromart/kafka/metrics';
import { startRelay } from '@micromart/kafka/relay';
import { isUnavailable } from '@micromart/postgres/failure';
import type { Logger } from '@micromart/process/logger';
import { createProductCopies, type ProductCopies } from '@micromart/product-copies/product-copies';
import type { Running } from '@micromart/service/run';
import { startService } from '@micromart/service/start-service';
import { createSweepMetrics } from '@micromart/sweeping/metrics';
import { cartAsyncApi } from './asyncapi.ts';
import { type CatalogHealth, createCatalogHealth } from './catalog-health.ts';
import type { Config } from './config.ts';
import { cartRoutes } from './routes.ts';
import { openStore } from './store/open-store.ts';
import { warnWhenUnavailable } from './warn-when-unavailable.ts';

/** The longest wait for the catalog. After that cached copies serve, and a cart can be read and emptied without any. */
const CATALOG_TIMEOUT_MS = 1_000;
const CATALOG_CONNECTIONS = 16;
/** Small, because products have copies of their own, and other addresses are rarely requested twice. */
const CATALOG_CACHE_BYTES = 4 * 1024 * 1024;

/** The cart service as a value: carts over HTTP, their events on the feed and, where the settings say so, in Kafka. */
export const startCartService = (config: Config, logger: Logger): Promise<Running> =>
  startService({ name: 'cart-service', settings: config, logger }, async ({ metrics, opened, started }) => {
    const store = opened(await openStore(config.STORE_URL, (err) => logger.warn({ err }, 'store')));
    createSweepMetrics(metrics.registry, store);
    const catalogHealth = createCatalogHealth(steadyClock);
    const copies = createCopies(config, { metrics, logger, catalogHealth });
    const feed = started(feedRoutes(store.log));
    const relay = config.KAFKA_PUBLISH_URL
      ? started(
          startRelay({
            log: store.log,
            pool: store.pool,
            lockUrl: config.STORE_URL,
            url: config.KAFKA_PUBLISH_URL,
            caFile: config.KAFKA_CA_FILE,
            metrics: createRelayMetrics(metrics.registry),
            logger,
          }),
        )
      : undefined;
    return {
      routes: [...cartRoutes(store, copies, () => new Date()), ...feed.routes],
      checks: [
        { name: 'store', check: store.check },
        { name: 'writes', optional: true, check: store.checkWrites },
        { name: 'catalog', optional: true, check: catalogHealth.check },
        ...(relay ? [relay.check] : []),
      ],
      isUnavailable,
      asyncapi: cartAsyncApi,
    };
  });

/** The catalog's answers, cached for as long as they allow. */
function createCopies(
  config: Config,
  {
    metrics: { registry },
    logger,
    catalogHealth,
  }: { metrics: Metrics; logger: Logger; catalogHealth: CatalogHealth },
): ProductCopies {
  const copies = createProductCopies({
    client: createCachingClient({
      name: 'cart-service',
      send: catalogHealth.watchSend(createSend({ connections: CATALOG_CONNECTIONS })),
      meter: createCacheMetrics(registry).of('catalog'),
      limits: { ...CACHE_LIMITS, timeoutMs: CATALOG_TIMEOUT_MS, maxBytes: CATALOG_CACHE_BYTES },
    }),
    catalogUrl: config.CATALOG_URL,
    token: catalogHealth.watchToken(createServiceToken(config.SERVICE_TOKEN_FILE)),
    clock: steadyClock,
  });
  const warn = (why: string) => logger.warn({ why }, 'the catalog is unavailable');
  return warnWhenUnavailable(copies, { warn, clock: steadyClock });
}
