/**
 * For tests: the cart and shopper tracking as values, each on its own database, and a client for each role. The catalog is a
 * stub that sells every product.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCartService } from '@micromart/cart-service/service';
import { createLogger } from '@micromart/process/logger';
import type { Running } from '@micromart/service/run';
import { startTrackingService } from '@micromart/shopper-tracking-service/service';
import { freePort } from '@micromart/testing/free-port';
import { openTestIssuer } from '@micromart/testing/http';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { openStubCatalog } from '@micromart/testing/stub-catalog';

const HOST = '127.0.0.1';

export type Reply = {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the tests check what a body contains.
  readonly body: any;
};

export type Ask = (
  method: string,
  path: string,
  options?: { body?: unknown; headers?: Record<string, string> },
) => Promise<Reply>;

export type Shop = {
  readonly cartDatabase: TestDatabase;
  readonly trackingDatabase: TestDatabase;
  startCart(): Promise<Running>;
  startTracking(): Promise<Running>;
  /** A client of the cart with a shopper's token. */
  shopper(subject: string): Promise<Ask>;
  readonly business: Ask;
  readonly operator: Ask;
  /** Closes what was started, and removes what was created. */
  close(): Promise<void>;
};

export async function openShop(): Promise<Shop> {
  const [cartDatabase, trackingDatabase, catalog, issuer, folder, cartPort, trackingPort] = await Promise.all(
    [
      openTestDatabase(),
      openTestDatabase(),
      openStubCatalog(),
      openTestIssuer(),
      mkdtemp(join(tmpdir(), 'shop-')),
      freePort(),
      freePort(),
    ],
  );
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, await issuer.token({ subject: 'shop', roles: ['service'] }));
  const settings = {
    HOST,
    LOG_LEVEL: 'silent' as const,
    RATE_LIMIT_PER_SECOND: 1_000_000,
    READ_LIMIT_PER_SECOND: 1_000_000,
    METRICS_OPEN: true,
    SERVICE_TOKEN_FILE: tokenFile,
    AUTH_JWKS: issuer.jwks,
    AUTH_ISSUER: issuer.issuer,
    AUTH_AUDIENCE: issuer.audience,
  };
  const logger = createLogger({ name: 'test', level: 'silent' });
  const cartUrl = `http://${HOST}:${cartPort}`;
  const trackingUrl = `http://${HOST}:${trackingPort}`;
  const running = new Set<Running>();

  const keep = (one: Running): Running => {
    const kept = {
      url: one.url,
      close: async () => {
        running.delete(kept);
        await one.close();
      },
    };
    running.add(kept);
    return kept;
  };
  const client = async (url: string, subject: string, role: 'shopper' | 'business' | 'operator') =>
    createAsk(url, await issuer.token({ subject, roles: [role] }));

  return {
    cartDatabase,
    trackingDatabase,
    startCart: async () =>
      keep(
        await startCartService(
          { ...settings, PORT: cartPort, STORE_URL: cartDatabase.url, CATALOG_URL: catalog.url },
          logger,
        ),
      ),
    startTracking: async () =>
      keep(
        await startTrackingService(
          {
            ...settings,
            PORT: trackingPort,
            STORE_URL: trackingDatabase.url,
            CART_EVENTS_URL: `${cartUrl}/events`,
            CATALOG_URL: catalog.url,
            READY_MAX_LAG_MS: 30_000,
          },
          logger,
        ),
      ),
    shopper: (subject) => client(cartUrl, subject, 'shopper'),
    business: await client(trackingUrl, 'berta', 'business'),
    operator: await client(trackingUrl, 'olivia', 'operator'),
    async close() {
      await Promise.all([...running].map((one) => one.close()));
      await Promise.all([cartDatabase.close(), trackingDatabase.close(), catalog.stop(), issuer.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A client of a service, with a token. */
export const createAsk =
  (url: string, token: string): Ask =>
  async (method, path, { body, headers = {} } = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined };
  };
