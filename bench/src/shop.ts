/**
 * The cart service, and shopper tracking behind it, on databases of their own; with tokens for whoever asks them. The
 * catalog is a stand-in that sells whatever it is asked about, and lets its answers be kept for an hour.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTestIssuer } from '@micromart/testing/http';
import type { Database, Server } from './database.ts';
import { type ServiceProcess, startProcess } from './service-process.ts';

export type Shop = {
  readonly cart: ServiceProcess;
  /** Undefined unless it was asked for. */
  readonly tracking: ServiceProcess | undefined;
  readonly cartUrl: string;
  readonly trackingUrl: string | undefined;
  readonly shopper: string;
  readonly business: string;
  /** Opens carts over HTTP; gives their ids. */
  openCarts(count: number): Promise<string[]>;
  close(): Promise<void>;
};

const AT_ONCE = 16;
const NO_LIMIT = '1000000';

/** With `kafkaUrl` the cart publishes to that topic, and shopper tracking follows it there; else over the cart's feed. */
export async function openShop(
  server: Server,
  { tracking: wanted, kafkaUrl }: { tracking: boolean; kafkaUrl?: string },
): Promise<Shop> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const issuer = await openTestIssuer();
    closers.push(issuer.close);
    const open = async (): Promise<Database> => {
      const database = await server.createDatabase();
      closers.push(database.drop);
      return database;
    };
    const authorize = async (subject: string, role: 'shopper' | 'business') =>
      `Bearer ${await issuer.token({ subject, roles: [role], expiresIn: '4h' })}`;
    const folder = await mkdtemp(join(tmpdir(), 'bench-shop-'));
    closers.push(() => rm(folder, { recursive: true, force: true }));
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, await issuer.token({ subject: 'shop', roles: ['service'], expiresIn: '4h' }));

    const settings = {
      AUTH_JWKS: issuer.jwks,
      AUTH_ISSUER: issuer.issuer,
      AUTH_AUDIENCE: issuer.audience,
      RATE_LIMIT_PER_SECOND: NO_LIMIT,
      READ_LIMIT_PER_SECOND: NO_LIMIT,
      METRICS_OPEN: 'true',
      SERVICE_TOKEN_FILE: tokenFile,
    };
    const catalog = await startProcess('shared/testing/src/stub-catalog-main.ts', {});
    closers.push(catalog.stop);
    const cartDatabase = await open();
    const cart = await startProcess('cart-service/src/main.ts', {
      ...settings,
      STORE_URL: cartDatabase.url,
      CATALOG_URL: `http://${catalog.host}:${catalog.port}`,
      ...(kafkaUrl && { KAFKA_PUBLISH_URL: kafkaUrl }),
    });
    closers.push(cart.stop);
    const trackingDatabase = wanted ? await open() : undefined;
    const feed = `http://${cart.host}:${cart.port}/events`;
    const tracking = trackingDatabase
      ? await startProcess('shopper-tracking-service/src/main.ts', {
          ...settings,
          STORE_URL: trackingDatabase.url,
          CATALOG_URL: `http://${catalog.host}:${catalog.port}`,
          ...(kafkaUrl ? { CART_EVENTS_URL: kafkaUrl, CART_FEED_URL: feed } : { CART_EVENTS_URL: feed }),
        })
      : undefined;
    if (tracking) closers.push(tracking.stop);
    const shopper = await authorize('shopper', 'shopper');
    return {
      cart,
      tracking,
      cartUrl: cartDatabase.url,
      trackingUrl: trackingDatabase?.url,
      shopper,
      business: await authorize('business', 'business'),
      async openCarts(count) {
        const ids: string[] = [];
        const openOne = async () => {
          const response = await fetch(`http://${cart.host}:${cart.port}/carts`, {
            method: 'POST',
            headers: { authorization: shopper },
          });
          const { id } = (await response.json()) as { id: string };
          ids.push(id);
        };
        while (ids.length < count)
          await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - ids.length) }, openOne));
        return ids;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
