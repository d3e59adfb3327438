/** One side of a system under faults: a launcher, its services, and a proxy on each connection between two parts. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createPlan } from '@micromart/launcher/plan';
import { awaitReady } from '@micromart/launcher/readiness';
import { SYSTEM } from '@micromart/launcher/system';
import type { TestIssuer } from '@micromart/testing/http';
import { openTcpProxy, type TcpProxy } from '@micromart/testing/tcp-proxy';
import type { Balancers } from './balancer.ts';
import type { Brokers } from './brokers.ts';
import type { Database } from './database.ts';
import type { Difference } from './launch.ts';
import { type LauncherProcess, startLauncherProcess } from './launcher-process.ts';

export type Link = 'shop' | 'cartStore' | 'trackingStore' | 'catalogStore' | 'queue' | 'feed' | 'supplier';

export type Side = {
  readonly cartUrl: string;
  /** The same through the proxy. */
  readonly shopUrl: string;
  readonly trackingUrl: string;
  readonly catalogUrl: string;
  readonly launcher: LauncherProcess;
  /** Whether the side has this process itself. */
  has(process: string): boolean;
  readonly links: { readonly [L in Link]: TcpProxy };
};

export const HOST = '127.0.0.1';
const READY_CAP_MS = 60_000;
const LAUNCH = fileURLToPath(new URL('launch.ts', import.meta.url));

export type Opening = {
  dataDir: string;
  portBase: number;
  database: Database;
  /** Undefined where events go over the feed. */
  brokers: Brokers | undefined;
  /** Where the side's services find each other; undefined for its own ones. */
  balancers: Balancers | undefined;
  /** The database of its read model. */
  trackingDatabase: string;
  supplierLink: TcpProxy;
  issuer: TestIssuer;
  maxAgeS: number | undefined;
  replaced: Difference['replaced'];
  elsewhere?: Difference['elsewhere'];
  say: (line: string) => void;
  closers: (() => Promise<void>)[];
};

export async function openSide(opening: Opening): Promise<Side> {
  const {
    dataDir,
    portBase,
    database,
    brokers,
    balancers,
    trackingDatabase,
    supplierLink,
    issuer,
    maxAgeS,
    replaced,
    elsewhere,
    say,
    closers,
  } = opening;
  const { processes } = createPlan(SYSTEM, { portBase, dataDir, host: HOST }, {});
  const portOf = (name: string) => processes.find((one) => one.name === name)!.port;
  const proxy = async (port: number): Promise<TcpProxy> => {
    const opened = await openTcpProxy({ host: HOST, port });
    closers.push(() => opened.close());
    return opened;
  };
  const links = {
    shop: await proxy(balancers?.carts.port ?? portOf('cart-service')),
    cartStore: await proxy(database.port),
    trackingStore: await proxy(database.port),
    catalogStore: await proxy(database.port),
    queue: await proxy(database.port),
    feed: await proxy(balancers?.carts.port ?? portOf('cart-service')),
    supplier: supplierLink,
  };
  const tokenFile = `${dataDir}.token`;
  const claims = { subject: 'shopper-tracking-service', roles: ['service'], expiresIn: '24h' } as const;
  await writeFile(tokenFile, await issuer.token(claims), { mode: 0o600 });

  const through = (url: string, { port }: TcpProxy): string =>
    Object.assign(new URL(url), { port: String(port) }).href;
  const launcher = startLauncherProcess({
    command: [LAUNCH, JSON.stringify({ replaced, elsewhere }), ...(brokers ? ['--events', 'kafka'] : [])],
    dataDir,
    onError: say,
    environment: {
      PATH: process.env.PATH!,
      HOST,
      PORT_BASE: String(portBase),
      CART_STORE_URL: through(database.urlOf('cart'), links.cartStore),
      TRACKING_STORE_URL: through(database.urlOf(trackingDatabase), links.trackingStore),
      CATALOG_STORE_URL: through(database.urlOf('catalog'), links.catalogStore),
      QUEUE_URL: through(database.urlOf('queue'), links.queue),
      [brokers ? 'CART_FEED_URL' : 'CART_EVENTS_URL']: `http://${HOST}:${links.feed.port}/events`,
      ...(brokers && { KAFKA_BROKERS: brokers.addresses }),
      ...(balancers && { CATALOG_URL: balancers.catalogs.url }),
      IMPORT_ALLOWED_HOSTS: `${HOST}:${links.supplier.port}`,
      ...(maxAgeS !== undefined && {
        CACHE_MAX_AGE: String(maxAgeS),
        CACHE_MAX_AGE_REVALIDATED: String(maxAgeS),
      }),
      AUTH_JWKS: issuer.jwks,
      AUTH_ISSUER: issuer.issuer,
      AUTH_AUDIENCE: issuer.audience,
      SERVICE_TOKEN_FILE: tokenFile,
      RATE_LIMIT_PER_SECOND: '1000000',
      READ_LIMIT_PER_SECOND: '1000000',
      METRICS_OPEN: 'true',
    },
  });
  closers.push(() => launcher.stop());
  const urlOf = (port: number) => `http://${HOST}:${port}`;
  return {
    cartUrl: urlOf(portOf('cart-service')),
    shopUrl: urlOf(links.shop.port),
    trackingUrl: urlOf(portOf('shopper-tracking-service')),
    catalogUrl: urlOf(portOf('catalog-service')),
    launcher,
    has: (name) => !elsewhere?.names.includes(name),
    links,
  };
}

export async function awaitSide({ cartUrl, trackingUrl, catalogUrl, launcher }: Side): Promise<void> {
  await launcher.find('launcher');
  for (const url of [cartUrl, trackingUrl, catalogUrl]) {
    const lack = await awaitReady(url, new AbortController().signal, { capMs: READY_CAP_MS });
    if (lack) throw new Error(`${url} did not become ready: ${lack}`);
  }
}
