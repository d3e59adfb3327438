/**
 * The system on one screen: which processes there are, where each listens, which stores are its own, and where it finds
 * the others. A row is all that `npm start` needs to know of a process.
 */
export type ProcessRow = {
  /** Names the process in its output, its token's subject and, with `_` for `-`, its database role. */
  readonly name: string;
  /** The file that Node runs, from the repository's root. */
  readonly entry: string;
  /** Its port lies this much above `PORT_BASE`. */
  readonly portOffset: number;
  readonly stores: readonly StoreRow[];
  /** Where it finds the others: settings that the environment may give otherwise. */
  readonly addresses?: (urlOf: (name: string) => string) => Readonly<Record<string, string>>;
  /** Whether it calls others in its own name, and so gets a token, renewed in time, in `SERVICE_TOKEN_FILE`. */
  readonly callsOthers?: boolean;
};

export type StoreRow = {
  /** The setting by which the process takes the store's URL. */
  readonly setting: string;
  /** The launcher's setting that names another store; where it is given, nothing is embedded for it. */
  readonly given: string;
  /** The embedded database. Several processes may name the same one; each comes with a role of its own. */
  readonly database: string;
  /** The owner makes the schema and grants a guest what it may do. Each database has one owner. */
  readonly access: 'owner' | 'guest';
};

export const SYSTEM: readonly ProcessRow[] = [
  {
    name: 'cart-service',
    entry: 'cart-service/src/main.ts',
    portOffset: 1,
    stores: [{ setting: 'STORE_URL', given: 'CART_STORE_URL', database: 'cart', access: 'owner' }],
  },
  {
    name: 'shopper-tracking-service',
    entry: 'shopper-tracking-service/src/main.ts',
    portOffset: 4,
    stores: [{ setting: 'STORE_URL', given: 'TRACKING_STORE_URL', database: 'tracking', access: 'owner' }],
    addresses: (urlOf) => ({ CART_EVENTS_URL: `${urlOf('cart-service')}/events` }),
    callsOthers: true,
  },
];

export const POSTGRES_PORT_OFFSET = 32;

/** The largest offset that any part of the system takes, now or when it runs over a local Kafka. */
export const MAX_PORT_OFFSET = 97;
