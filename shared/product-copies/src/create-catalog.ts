import { createSend } from '@micromart/http/client/send';
import { createServiceToken } from '@micromart/http/client/service-token';
import { CACHE_LIMITS, createCachingClient } from '@micromart/http-cache/caching-client';
import { createCacheMetrics } from '@micromart/http-cache/metrics';
import { steadyClock } from '@micromart/http-cache/steady-clock';
import { createCatalogHealth } from './catalog-health.ts';
import { createProductCopies, type ProductCopies } from './product-copies.ts';
import { createProductSearch, type ProductSearch } from './product-search.ts';
import { warnWhenUnavailable } from './warn-when-unavailable.ts';

const CONNECTIONS = 16;
/** Small, because products have copies of their own, and little else is asked twice. */
const CACHE_BYTES = 4 * 1024 * 1024;

/** The catalog, as a service that asks it sees it. */
export type Catalog = {
  readonly copies: ProductCopies;
  readonly search: ProductSearch;
  /** For readiness: whether the last question was answered. */
  check(): Promise<{ ok: boolean; detail?: string }>;
};

/**
 * Wires what a service asks the catalog with: its answers are cached as long as they say, at the longest it waits
 * `timeoutMs`. `name` is the service's.
 */
export function createCatalog({
  name,
  url,
  tokenFile,
  timeoutMs,
  registry,
  logger,
}: {
  name: string;
  url: string;
  tokenFile: string;
  timeoutMs: number;
  registry: Parameters<typeof createCacheMetrics>[0];
  logger: { warn(fields: object, message: string): void };
}): Catalog {
  const health = createCatalogHealth(steadyClock);
  const client = createCachingClient({
    name,
    send: health.watchSend(createSend({ connections: CONNECTIONS })),
    meter: createCacheMetrics(registry).of('catalog'),
    limits: { ...CACHE_LIMITS, timeoutMs, maxBytes: CACHE_BYTES },
  });
  const token = health.watchToken(createServiceToken(tokenFile));
  const copies = createProductCopies({ client, catalogUrl: url, token, clock: steadyClock });
  const warn = (why: string) => logger.warn({ why }, 'the catalog is unavailable');
  return {
    copies: warnWhenUnavailable(copies, { warn, clock: steadyClock }),
    search: createProductSearch({ client, catalogUrl: url, token }),
    check: health.check,
  };
}
