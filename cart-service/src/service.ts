import { feedRoutes } from '@micromart/event-log/feed-routes';
import { createRelayMetrics } from '@micromart/kafka/metrics';
import { startRelay } from '@micromart/kafka/relay';
import { isDiskFull, isUnavailable } from '@micromart/postgres/failure';
import type { Logger } from '@micromart/process/logger';
import { createCatalog } from '@micromart/product-copies/create-catalog';
import type { Running } from '@micromart/service/run';
import { startService } from '@micromart/service/start-service';
import { createSweepMetrics } from '@micromart/sweeping/metrics';
import { cartAsyncApi } from './asyncapi.ts';
import type { Config } from './config.ts';
import { cartRoutes } from './routes.ts';
import { openStore } from './store/open-store.ts';

const NAME = 'cart-service';

/** The longest wait for the catalog. After that cached copies serve, and a cart can be read and emptied without any. */
const CATALOG_TIMEOUT_MS = 1_000;

/** The cart service as a value: carts over HTTP, their events on the feed and, where the settings say so, in Kafka. */
export const startCartService = (config: Config, logger: Logger): Promise<Running> =>
  startService({ name: NAME, settings: config, logger }, async ({ metrics, opened, started }) => {
    const store = opened(await openStore(config.STORE_URL, (err) => logger.warn({ err }, 'store')));
    createSweepMetrics(metrics.registry, store);
    const catalog = createCatalog({
      name: NAME,
      url: config.CATALOG_URL,
      tokenFile: config.SERVICE_TOKEN_FILE,
      timeoutMs: CATALOG_TIMEOUT_MS,
      registry: metrics.registry,
      logger,
    });
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
      routes: [...cartRoutes(store, catalog.copies, () => new Date()), ...feed.routes],
      checks: [
        { name: 'store', check: store.check },
        { name: 'writes', optional: true, check: store.checkWrites },
        { name: 'catalog', optional: true, check: catalog.check },
        ...(relay ? [relay.check] : []),
      ],
      isUnavailable,
      isDiskFull,
      asyncapi: cartAsyncApi,
    };
  });
