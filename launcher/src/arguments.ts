/** What `npm start` was told on its command line and by the settings that are its own. */
import { resolve } from 'node:path';
import { MAX_PORT_OFFSET } from './system.ts';

export type Arguments = { readonly help: boolean; readonly fresh: boolean };

export type Settings = {
  readonly portBase: number;
  /** Absolute. */
  readonly dataDir: string;
  /** What the services listen on. */
  readonly host: string;
};

export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_PORT_BASE = 4_000;
const MAX_PORT = 65_535;

export const HELP = `npm start [-- --fresh]

Starts the whole system on this machine and stays until Ctrl-C. Everything it needs is embedded, unless a setting
(environment variable) names another. The data is kept from one start to the next.

  --fresh   empties the data folder first
  --help    shows this

  PORT_BASE            cart +1, shopper tracking +4, embedded PostgreSQL +32; ${DEFAULT_PORT_BASE} unless set
  DATA_DIR             where all data is kept, from the repository's root; .data unless set
  HOST                 what the services listen on; 127.0.0.1 unless set
  CART_STORE_URL       the cart service's PostgreSQL database, instead of an embedded one
  TRACKING_STORE_URL   the shopper tracking service's
  AUTH_JWKS, AUTH_ISSUER, AUTH_AUDIENCE, SERVICE_TOKEN_FILE
                       an issuer of tokens, instead of the development issuer: all four together
  LOG_LEVEL            debug, info, warn or error; error unless set

Two systems with a PORT_BASE and a DATA_DIR of their own run side by side.
`;

/** Throws for an argument it does not know. */
export function parseArguments(words: readonly string[]): Arguments {
  const unknown = words.find((word) => word !== '--fresh' && word !== '--help' && word !== '-h');
  if (unknown !== undefined) {
    throw new Error(`npm start does not know "${unknown}"; npm start -- --help shows what it knows`);
  }
  return { help: words.includes('--help') || words.includes('-h'), fresh: words.includes('--fresh') };
}

/** Throws for a setting that cannot be. An empty one counts as not set. */
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
