/**
 * What all services have in common: metrics, accepted tokens, routes and checks over HTTP, and an orderly end.
 *
 *     export const startNoteService = (settings: Config, logger: Logger): Promise<Running> =>
 *       startService({ name: 'note-service', settings, logger }, async ({ metrics, opened, started }) => {
 *         const store = opened(await openStore(settings.STORE_URL));
 *         const relay = started(startRelay({ log: store.log, metrics: createRelayMetrics(metrics.registry) }));
 *         return { routes: noteRoutes(store), checks: [{ name: 'store', check: store.check }, relay.check] };
 *       });
 */
import { type AppSettings, createApp } from '@micromart/http/app';
import { createAuthentication } from '@micromart/http/authentication/authentication';
import { createMetrics, type Metrics } from '@micromart/http/metrics';
import { startServer } from '@micromart/http/server/server';
import type { Logger } from '@micromart/process/logger';
import type { ServiceSettings } from './config.ts';
import { createLifecycle, type Lifecycle } from './lifecycle.ts';
import type { Running } from './run.ts';

/** What a service is assembled with. `opened` and `started` register what to close, and when. */
export type Assembly = Pick<Lifecycle, 'opened' | 'started'> & { readonly metrics: Metrics };

export type ServiceParts = Pick<
  AppSettings,
  'routes' | 'checks' | 'isUnavailable' | 'isDiskFull' | 'asyncapi'
>;

/**
 * Assembles the service and listens. If either fails, it closes all that was opened and started so far, and rejects with the
 * failure. `close()` stops the server and everything else that was started, then closes what was opened.
 */
export async function startService(
  { name, settings, logger }: { name: string; settings: ServiceSettings; logger: Logger },
  assemble: (assembly: Assembly) => Promise<ServiceParts>,
): Promise<Running> {
  const { opened, started, close } = createLifecycle();
  const metrics = createMetrics(name);
  try {
    const app = createApp({
      ...(await assemble({ metrics, opened, started })),
      name,
      logger,
      metrics,
      authenticate: createAuthentication({
        jwks: settings.AUTH_JWKS,
        issuer: settings.AUTH_ISSUER,
        audience: settings.AUTH_AUDIENCE,
      }),
      ratePerSecond: settings.RATE_LIMIT_PER_SECOND,
      readsPerSecond: settings.READ_LIMIT_PER_SECOND,
      metricsOpen: settings.METRICS_OPEN,
    });
    const { url } = started(await startServer(app, { host: settings.HOST, port: settings.PORT, logger }));
    return { url, close };
  } catch (error) {
    await close().catch((err) => logger.warn({ err }, 'a part did not close'));
    throw error;
  }
}
