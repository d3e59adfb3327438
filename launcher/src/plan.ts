/**
 * Decides what to embed and what each process is told: pure, from the table and the environment. The rule: only what
 * the environment leaves unset is embedded, and a process is given its own settings, nobody else's.
 */
import { join } from 'node:path';
import type { Environment, Settings } from './arguments.ts';
import { POSTGRES_PORT_OFFSET, type ProcessRow } from './system.ts';

export type Plan = {
  /** Undefined when the environment names every store. */
  readonly postgres: { readonly port: number; readonly databases: readonly DatabasePlan[] } | undefined;
  /** Where the development issuer keeps its keys; undefined when the environment names another issuer. */
  readonly issuerFolder: string | undefined;
  readonly processes: readonly ProcessPlan[];
};

export type DatabasePlan = {
  readonly name: string;
  readonly owner: string;
  /** The other roles that may connect. */
  readonly guests: readonly string[];
};

export type ProcessPlan = {
  readonly name: string;
  readonly entry: string;
  readonly port: number;
  /** Where others on this machine reach it. */
  readonly url: string;
  /** All of its environment but the URLs of embedded stores, whose passwords are not the plan's to know. */
  readonly environment: Readonly<Record<string, string>>;
  readonly embeddedStores: readonly {
    readonly setting: string;
    readonly database: string;
    readonly role: string;
  }[];
  /** The file in which the launcher keeps a token for it. */
  readonly tokenFile: string | undefined;
};

export const ISSUER = 'micromart-dev';
export const AUDIENCE = 'micromart';

/** The development issuer's place within `DATA_DIR`, and that of the public keys in there. */
export const issuerFolderOf = (dataDir: string): string => join(dataDir, 'issuer');
export const jwksFileOf = (issuerFolder: string): string => join(issuerFolder, 'jwks.json');

/** What any program of this machine may need, and settings that are the same for all. */
const PASSED_ON = [
  ...[
    'PATH',
    'HOME',
    'TMPDIR',
    'TZ',
    'LANG',
    'LC_ALL',
    'NODE_EXTRA_CA_CERTS',
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
  ],
  ...['RATE_LIMIT_PER_SECOND', 'METRICS_OPEN', 'READY_MAX_LAG_MS'],
];

const AUTH = ['AUTH_JWKS', 'AUTH_ISSUER', 'AUTH_AUDIENCE'];

/** Throws when the environment names only a part of an issuer. */
export function createPlan(table: readonly ProcessRow[], settings: Settings, environment: Environment): Plan {
  const { portBase, dataDir, host } = settings;
  const issuerFolder = isIssuerGiven(table, environment) ? undefined : issuerFolderOf(dataDir);
  const auth = issuerFolder
    ? { AUTH_JWKS: jwksFileOf(issuerFolder), AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: AUDIENCE }
    : pick(environment, AUTH);
  const urlOf = (name: string): string => {
    const row = table.find((one) => one.name === name);
    if (!row) throw new Error(`system.ts names no process ${name}`);
    return `http://${reachable(host)}:${portBase + row.portOffset}`;
  };

  const processes = table.map((row): ProcessPlan => {
    const tokenFile = row.callsOthers && issuerFolder ? join(dataDir, 'run', `${row.name}.token`) : undefined;
    const addresses = row.addresses?.(urlOf) ?? {};
    return {
      name: row.name,
      entry: row.entry,
      port: portBase + row.portOffset,
      url: urlOf(row.name),
      environment: {
        ...pick(environment, PASSED_ON),
        MALLOC_ARENA_MAX: '1',
        HOST: host,
        PORT: String(portBase + row.portOffset),
        // A follower that starts before its owner warns that it has to wait; that says nothing to whoever started both.
        LOG_LEVEL: environment.LOG_LEVEL || 'error',
        ...auth,
        ...addresses,
        ...pick(environment, Object.keys(addresses)),
        ...(row.callsOthers ? { SERVICE_TOKEN_FILE: tokenFile ?? environment.SERVICE_TOKEN_FILE! } : {}),
        ...Object.fromEntries(
          row.stores
            .filter(({ given }) => environment[given])
            .map(({ setting, given }) => [setting, environment[given]!]),
        ),
      },
      embeddedStores: row.stores
        .filter(({ given }) => !environment[given])
        .map(({ setting, database }) => ({ setting, database, role: roleOf(row.name) })),
      tokenFile,
    };
  });
  const databases = planDatabases(table, environment);
  const port = portBase + POSTGRES_PORT_OFFSET;
  return { postgres: databases.length > 0 ? { port, databases } : undefined, issuerFolder, processes };
}

/** The database role of a process. */
export const roleOf = (name: string): string => name.replaceAll('-', '_');

function planDatabases(table: readonly ProcessRow[], environment: Environment): DatabasePlan[] {
  const uses = table.flatMap(({ name, stores }) =>
    stores
      .filter(({ given }) => !environment[given])
      .map(({ database, access }) => ({ role: roleOf(name), database, access })),
  );
  return [...new Set(uses.map(({ database }) => database))].map((name) => {
    const roles = (access: string) =>
      uses.filter((use) => use.database === name && use.access === access).map(({ role }) => role);
    const [owner, ...others] = roles('owner');
    if (!owner || others.length > 0)
      throw new Error(`system.ts gives the database ${name} not exactly one owner`);
    return { name, owner, guests: roles('guest') };
  });
}

function isIssuerGiven(table: readonly ProcessRow[], environment: Environment): boolean {
  const needed = [...AUTH, ...(table.some(({ callsOthers }) => callsOthers) ? ['SERVICE_TOKEN_FILE'] : [])];
  const missing = needed.filter((name) => !environment[name]);
  if (missing.length === needed.length) return false;
  if (missing.length === 0) return true;
  throw new Error(
    `An issuer of your own needs all of ${needed.join(', ')}; not set: ${missing.join(', ')}. ` +
      'Set these too, or none of them for the development issuer',
  );
}

const pick = (environment: Environment, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.filter((name) => environment[name]).map((name) => [name, environment[name]!]));

/** A host to connect to: who listens on every address is reached on this machine's own. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
