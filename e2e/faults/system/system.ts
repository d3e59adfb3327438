/**
 * The system under faults: the real launcher with the real services as processes, one or two of them side by side on
 * the same databases, and a proxy on every way between two parts.
 *
 *     shoppers ─(shop)─► cart-service ─(cartStore)─► PostgreSQL ◄─(trackingStore)─ shopper-tracking-service
 *                             ▲                                                        │
 *                             └────────────────────────(feed)──────────────────────────┘
 *
 * The second side's services stand by for the first's: both carts write, one tracking applies.
 */
import { chmod, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPlan } from '@micromart/launcher/plan';
import { awaitReady } from '@micromart/launcher/readiness';
import { POSTGRES_PORT_OFFSET, SYSTEM } from '@micromart/launcher/system';
import { freePortBase } from '@micromart/launcher/testing/free-port-base';
import { openTestIssuer, type TestIssuer } from '@micromart/shared/testing/http';
import { openTcpProxy, type TcpProxy } from '@micromart/shared/testing/tcp-proxy';
import { type Database, openDatabase } from './database.ts';
import { type LauncherProcess, startLauncherProcess } from './launcher-process.ts';

export const LINKS = ['shop', 'cartStore', 'trackingStore', 'feed'] as const;
export type Link = (typeof LINKS)[number];

export type Side = {
  readonly cartUrl: string;
  /** The same through the proxy. */
  readonly shopUrl: string;
  readonly trackingUrl: string;
  readonly launcher: LauncherProcess;
  readonly links: { readonly [L in Link]: TcpProxy };
};

export type System = {
  readonly sides: readonly [Side, ...Side[]];
  readonly database: Database;
  readonly issuer: TestIssuer;
  /** Comes back when every service is ready. */
  ready(): Promise<void>;
  /** Ends every process and removes the folder. */
  close(): Promise<void>;
};

const HOST = '127.0.0.1';
const READY_CAP_MS = 60_000;
const LAUNCH = fileURLToPath(new URL('launch.ts', import.meta.url));

/** A process of the system's and the file that is run in place of its entry, from the repository's root. */
export type Replaced = readonly [process: string, entry: string];

/** Starts the product, or a control of it: one in which a process is replaced. */
export async function openSystem({
  sides: count,
  replaced,
  slowCommitsMs = 0,
}: {
  sides: 1 | 2;
  replaced?: Replaced | undefined;
  slowCommitsMs?: number | undefined;
}): Promise<System> {
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

    const sides: Side[] = [];
    for (let n = 0; n < count; n += 1) {
      const place = { dataDir: join(home, `side-${n}`), portBase: n === 0 ? portBase : await freePortBase() };
      const side = await openSide({ ...place, database, issuer, replaced, owner: sides[0], closers });
      sides.push(side);
      await awaitSide(side);
    }
    return {
      sides: sides as [Side, ...Side[]],
      database,
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
  issuer: TestIssuer;
  replaced: Replaced | undefined;
  /** The side whose cart is followed; this one's own where there is no other. */
  owner: Side | undefined;
  closers: (() => Promise<void>)[];
};

async function openSide(opening: Opening): Promise<Side> {
  const { dataDir, portBase, database, issuer, replaced, owner, closers } = opening;
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
    feed: await proxy(owner ? Number(new URL(owner.cartUrl).port) : portOf('cart-service')),
  };
  const tokenFile = `${dataDir}.token`;
  const claims = { subject: 'shopper-tracking-service', roles: ['service'], expiresIn: '24h' } as const;
  await writeFile(tokenFile, await issuer.token(claims), { mode: 0o600 });

  const through = (url: string, { port }: TcpProxy): string =>
    Object.assign(new URL(url), { port: String(port) }).href;
  const launcher = startLauncherProcess({
    command: [LAUNCH, ...(replaced ?? [])],
    dataDir,
    environment: {
      PATH: process.env.PATH!,
      HOST,
      PORT_BASE: String(portBase),
      CART_STORE_URL: through(database.urlOf('cart'), links.cartStore),
      TRACKING_STORE_URL: through(database.urlOf('tracking'), links.trackingStore),
      CART_EVENTS_URL: `http://${HOST}:${links.feed.port}/events`,
      AUTH_JWKS: issuer.jwks,
      AUTH_ISSUER: issuer.issuer,
      AUTH_AUDIENCE: issuer.audience,
      SERVICE_TOKEN_FILE: tokenFile,
      RATE_LIMIT_PER_SECOND: '1000000',
      METRICS_OPEN: 'true',
    },
  });
  closers.push(() => launcher.stop());
  const urlOf = (port: number) => `http://${HOST}:${port}`;
  return {
    cartUrl: urlOf(portOf('cart-service')),
    shopUrl: urlOf(links.shop.port),
    trackingUrl: urlOf(portOf('shopper-tracking-service')),
    launcher,
    links,
  };
}

async function awaitSide({ cartUrl, trackingUrl, launcher }: Side): Promise<void> {
  await launcher.find('launcher');
  for (const url of [cartUrl, trackingUrl]) {
    const lack = await awaitReady(url, new AbortController().signal, { capMs: READY_CAP_MS });
    if (lack) throw new Error(`${url} did not become ready: ${lack}`);
  }
}
