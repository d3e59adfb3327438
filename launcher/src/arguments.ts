/** The command line and the settings of `npm start`. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { MAX_PORT_OFFSET } from './system.ts';

export type Arguments = { readonly help: boolean; readonly fresh: boolean; readonly choice: Choice };

/** How events travel, and which engine stores the catalog. */
export type Choice = {
  readonly events: (typeof EVENTS)[number];
  readonly catalogStore: (typeof CATALOG_STORES)[number];
};

const EVENTS = ['feed', 'kafka'] as const;
const CATALOG_STORES = ['postgres', 'mongodb'] as const;

export type Settings = {
  readonly portBase: number;
  /** Absolute. */
  readonly dataDir: string;
  /** The address on which the services listen; `readSettings` may also return a name. */
  readonly host: string;
};

export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_PORT_BASE = 4_000;
const MAX_PORT = 65_535;

export const HELP = `npm start [-- --fresh --events kafka --catalog-store mongodb]

Starts the whole system on this machine and stays until Ctrl-C. Everything it needs is embedded, unless a setting
(environment variable) names another. The data is kept from one start to the next.

  --fresh                   empties the data folder first
  --events kafka            events go over Apache Kafka; over the owners' feeds unless given. Both know the same
                            positions, so a system may change from one to the other at any start
  --catalog-store mongodb   the catalog is kept on MongoDB; on PostgreSQL unless given. Each has a catalog of its own
  --help                    shows this

  PORT_BASE            cart +1, catalog +2, shopper tracking +4, the catalog's worker +5, the demo's supplier +6,
                       MongoDB +17, PostgreSQL +32, Kafka +92 and +93; ${DEFAULT_PORT_BASE} unless set
  DATA_DIR             where all data is kept, from the repository's root; .data unless set
  HOST                 what the services listen on: an address, or a name that is looked up once, at the start;
                       127.0.0.1 unless set
  CART_STORE_URL, TRACKING_STORE_URL
                       a service's PostgreSQL database (17 or newer), instead of an embedded one
  CATALOG_STORE_URL    the catalog's, or mongodb://…, where --catalog-store mongodb builds a server unless set
  QUEUE_URL            the PostgreSQL database of the catalog's jobs
  API_ROLE             if these are not embedded: the role of the catalog's API, which gets its rights granted
  IMPORT_ALLOWED_HOSTS host:port,host:port that the catalog may import from, besides the demo's supplier
  KAFKA_BROKERS        host:port,host:port of a Kafka, instead of a local one (npm run kafka); where it asks for TLS
                       and a login kafka+ssl://user:password@host:port,host:port, with KAFKA_CA_FILE
  AUTH_JWKS, AUTH_ISSUER, AUTH_AUDIENCE, SERVICE_TOKEN_FILE
                       an issuer of tokens, instead of the development issuer: all four together
  LOG_LEVEL            debug, info, warn or error; error unless set

Two systems with a PORT_BASE and a DATA_DIR of their own run side by side.
`;

/** Throws for an unknown argument. */
export function parseArguments(words: readonly string[]): Arguments {
  const { help, fresh, events, 'catalog-store': catalogStore } = parse(words);
  return {
    help,
    fresh,
    choice: {
      events: oneOf('events', EVENTS, events),
      catalogStore: oneOf('catalog-store', CATALOG_STORES, catalogStore),
    },
  };
}

function parse(words: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      args: [...words],
      options: {
        help: { ...flag, short: 'h' },
        fresh: flag,
        events: { type: 'string', default: 'feed' },
        'catalog-store': { type: 'string', default: 'postgres' },
      },
    }).values;
  } catch (error) {
    const [what] = (error as Error).message.split('. ');
    throw new Error(`${what}; npm start -- --help lists the options`);
  }
}

function oneOf<const Value extends string>(name: string, values: readonly Value[], given: string): Value {
  const value = values.find((one) => one === given);
  if (value === undefined)
    throw new Error(`--${name} is ${values.join(' or ')}; npm start -- --help says more`);
  return value;
}

/** Throws for an invalid setting. An empty one counts as not set. */
export function readSettings(environment: Environment, root: string): Settings {
  const given = environment.PORT_BASE || String(DEFAULT_PORT_BASE);
  const portBase = /^[0-9]{1,5}$/.test(given) ? Number(given) : 0;
  const highest = MAX_PORT - MAX_PORT_OFFSET;
  if (portBase < 1 || portBase > highest) {
    throw new Error(`PORT_BASE is not a whole number from 1 to ${highest}; give one, such as PORT_BASE=5000`);
  }
  return {
    portBase,
    dataDir: resolve(root, environment.DATA_DIR || '.data'),
    host: environment.HOST || '127.0.0.1',
  };
}
