import { hostname } from 'node:os';
import { openEventSource } from '@micromart/event-source/open-event-source';
import { createServiceToken } from '@micromart/http/client/service-token';
import { isUnavailable } from '@micromart/postgres/failure';
import type { Logger } from '@micromart/process/logger';
import type { Running } from '@micromart/service/run';
import { startService } from '@micromart/service/start-service';
import { createConsistency } from '@micromart/subscription/freshness/consistency';
import { createSubscriptionMetrics } from '@micromart/subscription/metrics';
import { createSubscriptionRoutes } from '@micromart/subscription/routes';
import { createSubscriptionChecks } from '@micromart/subscription/status';
import { createSweepMetrics } from '@micromart/sweeping/metrics';
import type { Config } from './config.ts';
import { trackingRoutes } from './routes.ts';
import { openStore } from './store/open-store.ts';
import { CART_EVENTS, followCart } from './subscriptions.ts';

const NAME = 'shopper-tracking-service';

/** The shopper tracking service as a value: it follows the cart, and answers how often products come and go. */
export const startTrackingService = (config: Config, logger: Logger): Promise<Running> =>
  startService({ name: NAME, settings: config, logger }, async ({ metrics, opened, started }) => {
    const store = opened(await openStore(config.STORE_URL, (err) => logger.warn({ err }, 'store')));
    createSweepMetrics(metrics.registry, store);
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
    const subscription = started(
      followCart({
        store,
        url: config.STORE_URL,
        ...cart.from,
        metrics: createSubscriptionMetrics(metrics.registry),
        logger,
      }),
    );
    const consistency = createConsistency({
      pool: store.pool,
      subscriptions: () => [CART_EVENTS],
      applied: subscription.applied,
    });
    return {
      routes: [
        ...trackingRoutes({ store, consistency, now: () => new Date() }),
        ...createSubscriptionRoutes({ pool: store.pool, subscriptions: () => [subscription], logger }),
      ],
      checks: [
        { name: 'store', check: store.check },
        ...createSubscriptionChecks({
          pool: store.pool,
          subscription,
          maxLagMs: config.READY_MAX_LAG_MS,
        }),
        ...cart.checks,
      ],
      isUnavailable,
    };
  });
