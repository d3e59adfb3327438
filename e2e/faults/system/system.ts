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
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPlan } from '@micromart/launcher/plan';
import { POSTGRES_PORT_OFFSET, SYSTEM } from '@micromart/launcher/system';
import { freePortBase } from '@micromart/launcher/testing/free-port-base';
import { openTestIssuer, type TestIssuer } from '@micromart/testing/http';
import { openTcpProxy } from '@micromart/testing/tcp-proxy';
import { type Addresses, balance, balancedAddresses, directAddresses, openBalancers } from './addresses.ts';
import type { Balancers } from './balancer.ts';
import { type Brokers, openBrokers } from './brokers.ts';
import { type Database, openDatabase } from './database.ts';
import type { Difference } from './launch.ts';
import { awaitSide, HOST, openSide, type Side } from './side.ts';
import { openSupplier } from './supplier.ts';

export type System = {
  readonly sides: readonly [Side, ...Side[]];
  readonly addresses: Addresses;
  /** Undefined where each process has its own address. */
  readonly balancers: Balancers | undefined;
  readonly database: Database;
  /** Undefined where events go over the feed. */
  readonly brokers: Brokers | undefined;
  readonly issuer: TestIssuer;
  /** Comes back when every service is ready. */
  ready(): Promise<void>;
  /** Ends every process and removes the folder. */
  close(): Promise<void>;
};

const TRACKING = 'shopper-tracking-service';
const TRACKING_DATABASE = 'tracking';
const OTHER_DATABASE = { name: 'other_tracking', owner: 'shopper_tracking_service', guests: [] };

export type SystemOptions = {
  readonly sides: number;
  /** What further sides have of their own; the rest is the first one's. */
  readonly furtherSides?: readonly string[];
  /**
   * Has everybody find each kind of service at one address, behind which each request goes to one of the processes by
   * chance; with one side more, a tracking that follows from there, over the feed, into a database of its own.
   */
  readonly balanced?: boolean;
  /** Draws by which a balancer sends requests. */
  readonly seed?: string;
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
  balanced = false,
  seed = '',
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
    const database = await openDatabase({
      home,
      databases: [...postgres!.databases, OTHER_DATABASE],
      port: portBase + POSTGRES_PORT_OFFSET,
    });
    closers.push(() => database.stop());
    if (slowCommitsMs > 0) await database.slowCommits('tracking', slowCommitsMs);
    const supplier = await openSupplier(HOST);
    closers.push(() => supplier.close());
    const brokers = brokerCount > 0 ? await openBrokers({ home, count: brokerCount }) : undefined;
    if (brokers) closers.push(() => brokers.close());
    // Whichever worker it is that reads a feed.
    const supplierLink = await openTcpProxy({ host: HOST, port: supplier.port });
    closers.push(() => supplierLink.close());
    const balancers = balanced ? await openBalancers(seed) : undefined;
    if (balancers) closers.push(() => balancers.close());
    const parts = { database, balancers, supplierLink, issuer, maxAgeS, replaced, say, closers };

    const sides: Side[] = [];
    /** Adds a side that has these processes itself. */
    const open = async (
      own: readonly string[],
      different: { brokers?: undefined; database?: string } = {},
    ) => {
      const side = await openSide({
        ...parts,
        brokers: 'brokers' in different ? different.brokers : brokers,
        trackingDatabase: different.database ?? TRACKING_DATABASE,
        dataDir: join(home, `side-${sides.length}`),
        ...(sides.length === 0
          ? { portBase }
          : {
              portBase: await freePortBase(),
              elsewhere: {
                names: SYSTEM.map(({ name }) => name).filter((name) => !own.includes(name)),
                portBase,
              },
            }),
      });
      sides.push(side);
      if (balancers && different.database === undefined) balance(balancers, side);
      await awaitSide(side);
      return side;
    };
    await open([]);
    for (let n = 1; n < count; n += 1) await open(furtherSides);
    const addresses = balancers
      ? balancedAddresses(
          balancers,
          await open([TRACKING], { database: OTHER_DATABASE.name, brokers: undefined }),
        )
      : directAddresses(sides);
    return {
      sides: sides as [Side, ...Side[]],
      addresses,
      balancers,
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
