/**
 * The system on one screen: its processes, where each listens, its own stores, and where it finds the others. A row is all
 * that `npm start` needs to know about a process.
 */
export type ProcessRow = {
  /** The name of the process in the output, its token's subject and, with `_` for `-`, its database role. */
  readonly name: string;
  /** The file that Node runs, from the repository's root. */
  readonly entry: string;
  /** Its port is `PORT_BASE` plus this. */
  readonly portOffset: number;
  readonly stores: readonly StoreRow[];
  /** The topic of its own events, in a system with Kafka. */
  readonly publishes?: string;
  readonly follows?: readonly FollowRow[];
  /** Its other settings. */
  readonly settings?: (system: Surroundings) => Readonly<Record<string, string>>;
  /** Whether it calls others in its own name. It then gets a token, renewed in time, in `SERVICE_TOKEN_FILE`. */
  readonly callsOthers?: boolean;
};

export type StoreRow = {
  /** The process's setting for the store's URL. */
  readonly setting: string;
  /** The launcher's setting that names another store; if it is set, nothing is embedded for this one. */
  readonly given: string;
  /** The embedded database. Several processes may name the same one; each has its own role. */
  readonly database: string;
  /** The owner creates the schema and grants a guest its rights. Each database has one owner. */
  readonly access: 'owner' | 'guest';
};

/** What a process's settings may be made from. */
export type Surroundings = {
  /** The address of a process for others on this machine: `host:port`. */
  readonly hostOf: (name: string) => string;
  /** The same for a program that is not in the table, by the offset of its port. */
  readonly hostAt: (portOffset: number) => string;
  /** The environment's value of this name. */
  readonly given: (name: string) => string | undefined;
};

/** Whose events a process follows: over the owner's feed, or over a topic and the feed. */
export type FollowRow = {
  /** `CART` means the settings CART_EVENTS_URL and CART_FEED_URL. */
  readonly prefix: string;
  readonly owner: string;
  readonly topic: string;
};

/** The database role of a process. */
export const roleOf = (name: string): string => name.replaceAll('-', '_');

/** The address of embedded servers; HOST is only for the services. */
export const LOCAL_HOST = '127.0.0.1';

/** Where `npm run demo` serves the feed of its own import. */
export const DEMO_FEED_PORT_OFFSET = 7;

/** The launcher's setting for the catalog's store, which may be PostgreSQL or MongoDB. */
export const CATALOG_STORE = 'CATALOG_STORE_URL';

/** The database of the catalog's jobs. */
export const QUEUE = 'queue';

export type BrokerPorts = { readonly broker: number; readonly controller: number };

/** The worker creates both, and grants the API its part. */
const catalogStores = (access: StoreRow['access']): StoreRow[] => [
  { setting: 'STORE_URL', given: CATALOG_STORE, database: 'catalog', access },
  { setting: 'QUEUE_URL', given: 'QUEUE_URL', database: QUEUE, access },
];

/** Where those find the catalog that ask it. */
const catalogUrl: ProcessRow['settings'] = ({ hostOf, given }) => ({
  CATALOG_URL: given('CATALOG_URL') ?? `http://${hostOf('catalog-service')}`,
});

export const SYSTEM: readonly ProcessRow[] = [
  {
    name: 'cart-service',
    entry: 'cart-service/src/main.ts',
    portOffset: 1,
    stores: [{ setting: 'STORE_URL', given: 'CART_STORE_URL', database: 'cart', access: 'owner' }],
    publishes: 'cart-events',
    settings: catalogUrl,
    callsOthers: true,
  },
  {
    name: 'catalog-service',
    entry: 'catalog-service/src/main.ts',
    portOffset: 2,
    stores: catalogStores('guest'),
  },
  {
    name: 'catalog-worker',
    entry: 'catalog-service/src/worker-main.ts',
    portOffset: 5,
    stores: catalogStores('owner'),
    publishes: 'catalog-events',
    settings: ({ hostOf, hostAt, given }) => ({
      // If all databases are external, they need not have a role of this name.
      API_ROLE:
        given('API_ROLE') ?? (given(CATALOG_STORE) && given('QUEUE_URL') ? '' : roleOf('catalog-service')),
      IMPORT_ALLOWED_HOSTS: [
        hostOf('supplier-feed'),
        hostAt(DEMO_FEED_PORT_OFFSET),
        ...(given('IMPORT_ALLOWED_HOSTS')?.split(',') ?? []),
      ].join(','),
    }),
  },
  {
    name: 'shopper-tracking-service',
    entry: 'shopper-tracking-service/src/main.ts',
    portOffset: 4,
    stores: [{ setting: 'STORE_URL', given: 'TRACKING_STORE_URL', database: 'tracking', access: 'owner' }],
    follows: [{ prefix: 'CART', owner: 'cart-service', topic: 'cart-events' }],
    settings: catalogUrl,
    callsOthers: true,
  },
  {
    name: 'supplier-feed',
    entry: 'launcher/src/supplier-feed/main.ts',
    portOffset: 6,
    stores: [],
  },
];

export const POSTGRES_PORT_OFFSET = 32;
export const MONGODB_PORT_OFFSET = 17;

const KAFKA_PORT_OFFSET = 92;
const MAX_BROKERS = 3;

/** The ports of a local Kafka, two for each of its brokers. */
export const kafkaPorts = (portBase: number, brokers: number): BrokerPorts[] =>
  Array.from({ length: brokers }, (_, index) => {
    const broker = portBase + KAFKA_PORT_OFFSET + 2 * index;
    return { broker, controller: broker + 1 };
  });

/** The offset of every port that the system, or a program beside it, may take. */
export const PORT_OFFSETS: readonly number[] = [
  ...SYSTEM.map(({ portOffset }) => portOffset),
  ...[DEMO_FEED_PORT_OFFSET, MONGODB_PORT_OFFSET, POSTGRES_PORT_OFFSET],
  ...kafkaPorts(0, MAX_BROKERS).flatMap(({ broker, controller }) => [broker, controller]),
];

/** The largest offset that any part of the system uses. */
export const MAX_PORT_OFFSET = Math.max(...PORT_OFFSETS);
