/**
 * The system under faults: the real launcher with the real services as processes, and a proxy on the ways between the
 * parts.
 *
 *     shoppers ─(shop)─► cart-service ─(cartStore)─► PostgreSQL ◄─(trackingStore)─ shopper-tracking-service
 *                          ▲      │                   ▲                                 │
 *                          │      ▼        (catalogStore, queue)                        │
 *                          │   catalog-service and catalog-worker ─(supplier)─► feeds   │
 *                          └──────────────────────(feed; or by Kafka)───────────────────┘
 *
 * There may be further sides on the same databases, with some of the services a second time: each cart and each worker
 * writes, and one tracking applies, or over Kafka all of them.
 */
import { chmod, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPlan } from '@micromart/launcher/plan';
import { awaitReady } from '@micromart/launcher/readiness';
import { POSTGRES_PORT_OFFSET, SYSTEM } from '@micromart/launcher/system';
import { freePortBase } from '@micromart/launcher/testing/free-port-base';
import { openTestIssuer, type TestIssuer } from '@micromart/testing/http';
import { openTcpProxy, type TcpProxy } from '@micromart/testing/tcp-proxy';
import { type Brokers, openBrokers } from './brokers.ts';
import { type Database, openDatabase } from './database.ts';
import type { Difference } from './launch.ts';
import { type LauncherProcess, startLauncherProcess } from './launcher-process.ts';
import { openSupplier } from './supplier.ts';

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

export type System = {
  readonly sides: readonly [Side, ...Side[]];
  readonly database: Database;
  /** Undefined where events go over the feed. */
  readonly brokers: Brokers | undefined;
  readonly issuer: TestIssuer;
  /** Comes back when every service is ready. */
  ready(): Promise<void>;
  /** Ends every process and removes the folder. */
  close(): Promise<void>;
};

const HOST = '127.0.0.1';
const READY_CAP_MS = 60_000;
const LAUNCH = fileURLToPath(new URL('launch.ts', import.meta.url));

export type SystemOptions = {
  readonly sides: number;
  /** What further sides have of their own; the rest is the first one's. */
  readonly furtherSides?: readonly string[];
  /** The number of Kafka's brokers; 0 has events go over the feed. */
  readonly brokers?: number;
  /** How long each commit of tracking's database takes. */
  readonly slowCommitsMs?: number;
  /** For how many seconds an answer of the catalog lives. */
  readonly maxAgeS?: number;
  readonly replaced?: Difference['replaced'];
  /** Hears the errors that services print. */
  readonly say: (line: string) => void;
};

/** Starts the product, or a control of it: one in which a process is replaced. */
export async function openSystem({
  sides: count,
  furtherSides = [],
  brokers: brokerCount = 0,
  slowCommitsMs = 0,
  maxAgeS,
  replaced,
  say,
}: SystemOptions): Promise<System> {
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    const failures: unknown[] = [];
    for (const closer of closers.splice(0).reverse()) await closer().catch((error) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  };
  const onSignal = (signal: NodeJS.Signals) => void close().finally(() => process.kill(process.pid, signal));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  closers.push(async () => {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  });
  try {
    const home = await mkdtemp(join(await realpath(tmpdir()), 'micromart-faults-'));
    closers.push(() => rm(home, { recursive: true, force: true }));
    // Root hands the database to another user, who has to get in.
    await chmod(home, 0o711);
    const issuer = await openTestIssuer();
    closers.push(() => issuer.close());

    const portBase = await freePortBase();
    const { postgres } = createPlan(SYSTEM, { portBase, dataDir: home, host: HOST }, {});
    const database = await openDatabase({ home, ...postgres!, port: portBase + POSTGRES_PORT_OFFSET });
    closers.push(() => database.stop());
    if (slowCommitsMs > 0) await database.slowCommits('tracking', slowCommitsMs);
    const supplier = await openSupplier(HOST);
    closers.push(() => supplier.close());
    const brokers = brokerCount > 0 ? await openBrokers({ home, count: brokerCount }) : undefined;
    if (brokers) closers.push(() => brokers.close());
    // Whichever worker it is that reads a feed.
    const supplierLink = await openTcpProxy({ host: HOST, port: supplier.port });
    closers.push(() => supplierLink.close());
    const parts = { database, brokers, supplierLink, issuer, maxAgeS, replaced, say, closers };

    const sides: Side[] = [];
    for (let n = 0; n < count; n += 1) {
      const dataDir = join(home, `side-${n}`);
      const side =
        n === 0
          ? await openSide({ ...parts, dataDir, portBase })
          : await openSide({
              ...parts,
              dataDir,
              portBase: await freePortBase(),
              elsewhere: {
                names: SYSTEM.map(({ name }) => name).filter((name) => !furtherSides.includes(name)),
                portBase,
              },
            });
      sides.push(side);
      await awaitSide(side);
    }
    return {
      sides: sides as [Side, ...Side[]],
      database,
      brokers,
      issuer,
      async ready() {
        await Promise.all(sides.map(awaitSide));
      },
      close,
    };
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
}

type Opening = {
  dataDir: string;
  portBase: number;
  database: Database;
  brokers: Brokers | undefined;
  supplierLink: TcpProxy;
  issuer: TestIssuer;
  maxAgeS: number | undefined;
  replaced: Difference['replaced'];
  elsewhere?: Difference['elsewhere'];
  say: (line: string) => void;
  closers: (() => Promise<void>)[];
};

async function openSide(opening: Opening): Promise<Side> {
  const {
    dataDir,
    portBase,
    database,
    brokers,
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
    shop: await proxy(portOf('cart-service')),
    cartStore: await proxy(database.port),
    trackingStore: await proxy(database.port),
    catalogStore: await proxy(database.port),
    queue: await proxy(database.port),
    feed: await proxy(portOf('cart-service')),
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
      TRACKING_STORE_URL: through(database.urlOf('tracking'), links.trackingStore),
      CATALOG_STORE_URL: through(database.urlOf('catalog'), links.catalogStore),
      QUEUE_URL: through(database.urlOf('queue'), links.queue),
      [brokers ? 'CART_FEED_URL' : 'CART_EVENTS_URL']: `http://${HOST}:${links.feed.port}/events`,
      ...(brokers && { KAFKA_BROKERS: brokers.addresses }),
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

async function awaitSide({ cartUrl, trackingUrl, catalogUrl, launcher }: Side): Promise<void> {
  await launcher.find('launcher');
  for (const url of [cartUrl, trackingUrl, catalogUrl]) {
    const lack = await awaitReady(url, new AbortController().signal, { capMs: READY_CAP_MS });
    if (lack) throw new Error(`${url} did not become ready: ${lack}`);
  }
}
