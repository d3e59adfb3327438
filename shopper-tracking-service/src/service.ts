import { hostname } from 'node:os';
import { openEventSource } from '@micromart/event-source/open-event-source';
import { createServiceToken } from '@micromart/http/client/service-token';
import { isDiskFull, isUnavailable } from '@micromart/postgres/failure';
import type { Logger } from '@micromart/process/logger';
import { createCatalog } from '@micromart/product-copies/create-catalog';
import type { Running } from '@micromart/service/run';
import { startService } from '@micromart/service/start-service';
import { createConsistency } from '@micromart/subscription/freshness/consistency';
import { readFresh } from '@micromart/subscription/freshness/freshness';
import { createGenerationChecks } from '@micromart/subscription/generations/checks';
import { startGenerations } from '@micromart/subscription/generations/generations';
import { createLiveGenerations } from '@micromart/subscription/generations/live-generations';
import { createSubscriptionMetrics } from '@micromart/subscription/metrics';
import { createRebuildMetrics } from '@micromart/subscription/rebuild/metrics';
import { createRebuilds } from '@micromart/subscription/rebuild/rebuild';
import { createRebuildRoutes } from '@micromart/subscription/rebuild/routes';
import { createSubscriptionRoutes } from '@micromart/subscription/routes';
import { createSweepMetrics } from '@micromart/sweeping/metrics';
import { createChangeStream } from './changes/change-stream.ts';
import { createChangeMetrics } from './changes/metrics.ts';
import { createReadChanges } from './changes/read-changes.ts';
import type { Config } from './config.ts';
import { changesRoute } from './routes/changes.ts';
import { createProductNames } from './routes/product-names.ts';
import { trackingRoutes } from './routes.ts';
import { openStore } from './store/open-store.ts';
import { CART_EVENTS, cartCounts } from './subscriptions.ts';

const NAME = 'shopper-tracking-service';
/** A search by name may wait so long for the catalog; figures never wait for it. */
const CATALOG_TIMEOUT_MS = 1_000;

/** The shopper tracking service as a value: it follows the cart, and answers how often products come and go. */
export const startTrackingService = (config: Config, logger: Logger): Promise<Running> =>
  startService({ name: NAME, settings: config, logger }, async ({ metrics, opened, started }) => {
    const store = opened(await openStore(config.STORE_URL, (err) => logger.warn({ err }, 'store')));
    const cart = openEventSource({
      eventsUrl: config.CART_EVENTS_URL,
      feedUrl: config.CART_FEED_URL,
      kafkaCaFile: config.KAFKA_CA_FILE,
      group: `${NAME}.${CART_EVENTS}`,
      // A port of its own choice is another one after a restart.
      instance: config.PORT === 0 ? undefined : `${hostname()}-${config.PORT}`,
      token: createServiceToken(config.SERVICE_TOKEN_FILE),
      logger,
    });
    const model = cartCounts(store);
    const live = createLiveGenerations([model]);
    const generations = started(
      await startGenerations({
        model,
        live,
        url: config.STORE_URL,
        ...cart.from,
        metrics: createSubscriptionMetrics(metrics.registry),
        logger,
      }),
    );
    const { subscriptions } = generations;
    const rebuilds = createRebuilds(generations, logger);
    createRebuildMetrics(metrics.registry, rebuilds);
    createSweepMetrics(metrics.registry, {
      get sweeps() {
        return [...store.sweeps, ...generations.sweeps];
      },
    });
    const catalog = createCatalog({
      name: NAME,
      url: config.CATALOG_URL,
      tokenFile: config.SERVICE_TOKEN_FILE,
      timeoutMs: CATALOG_TIMEOUT_MS,
      registry: metrics.registry,
      logger,
    });
    const consistency = createConsistency({
      pool: store.pool,
      subscriptions: () => [CART_EVENTS],
      applied: live.applied,
      live,
    });
    const changes = createChangeStream({
      read: createReadChanges(store, (read) => readFresh(store.changesPool, [CART_EVENTS], read, { live })),
      applied: live.applied,
      logger,
    });
    createChangeMetrics(metrics.registry, changes);
    const isLive = (name: string) => live.of(CART_EVENTS)?.name === name;
    return {
      routes: [
        ...trackingRoutes({
          store,
          consistency,
          names: createProductNames(catalog.copies),
          search: catalog.search,
          now: () => new Date(),
        }),
        changesRoute(changes),
        ...createSubscriptionRoutes({ pool: store.pool, subscriptions, isLive, logger }),
        ...createRebuildRoutes(rebuilds),
      ],
      checks: [
        { name: 'store', check: store.check },
        ...createGenerationChecks({ generations, live, maxLagMs: config.READY_MAX_LAG_MS }),
        { name: 'catalog', optional: true, check: catalog.check },
        ...cart.checks,
      ],
      isUnavailable,
      isDiskFull,
    };
  });
