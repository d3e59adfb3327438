/**
 * Decides what to embed and which settings each process gets. Pure: from the table and the environment. The rule: only what
 * the environment leaves unset is embedded, and a process gets only its own settings.
 */

import { join } from 'node:path';
import { AUDIENCE, ISSUER, jwksFileOf } from '@micromart/engines/issuer/identity';
import type { Addresses } from './addresses.ts';
import type { Choice, Environment, Settings } from './arguments.ts';
import { hostInUrl } from './host-in-url.ts';
import { NODE_ENVIRONMENT } from './node-settings.ts';
import {
  type BrokerPorts,
  CATALOG_STORE,
  DEMO_FEED_PORT_OFFSET,
  kafkaPorts,
  LOCAL_HOST,
  MONGODB_PORT_OFFSET,
  POSTGRES_PORT_OFFSET,
  type ProcessRow,
  QUEUE,
  roleOf,
} from './system.ts';

export type Plan = {
  /** Undefined if the environment names every store. */
  readonly postgres: { readonly port: number; readonly databases: readonly DatabasePlan[] } | undefined;
  /** The port of a local MongoDB-compatible server; undefined unless the catalog should use one. */
  readonly mongodb: { readonly port: number } | undefined;
  /** The ports of a local Kafka; undefined if events use the feeds, or a Kafka that the environment names. */
  readonly kafka: { readonly ports: readonly BrokerPorts[] } | undefined;
  /** The folder of the development issuer's keys; undefined if the environment names another issuer. */
  readonly issuerFolder: string | undefined;
  readonly processes: readonly ProcessPlan[];
  readonly addresses: Addresses;
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
  /** Its address for others on this machine. */
  readonly url: string;
  /** Its whole environment but for the URLs of embedded stores, because the plan does not know their passwords. */
  readonly environment: Readonly<Record<string, string>>;
  readonly embeddedStores: readonly {
    readonly setting: string;
    readonly database: string;
    readonly role: string;
  }[];
  /** The file in which the launcher stores a token for it. */
  readonly tokenFile: string | undefined;
};

/** The development issuer's folder within `DATA_DIR`. */
export const issuerFolderOf = (dataDir: string): string => join(dataDir, 'issuer');

/** What any program of this machine may need, and settings that mean the same to every process. */
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
  ...['RATE_LIMIT_PER_SECOND', 'READ_LIMIT_PER_SECOND', 'METRICS_OPEN', 'READY_MAX_LAG_MS', 'KAFKA_CA_FILE'],
  ...['CACHE_MAX_AGE', 'CACHE_MAX_AGE_REVALIDATED'],
];

const AUTH = ['AUTH_JWKS', 'AUTH_ISSUER', 'AUTH_AUDIENCE'];

const USUAL: Choice = { events: 'feed', catalogStore: 'postgres' };

/** Throws if the environment names an incomplete issuer, or contradicts the chosen options. */
export function createPlan(
  system: readonly ProcessRow[],
  settings: Settings,
  outside: Environment,
  choice: Choice = USUAL,
): Plan {
  const table = choice.catalogStore === 'mongodb' ? withJobsOfItsOwn(system) : system;
  const mongodb = planMongodb(choice, settings, outside);
  // From here on a local MongoDB is like any other given store.
  const environment = mongodb ? { ...outside, [CATALOG_STORE]: mongodb.url } : outside;
  const { portBase, dataDir, host } = settings;
  const issuerFolder = isIssuerGiven(table, environment) ? undefined : issuerFolderOf(dataDir);
  const auth = issuerFolder
    ? { AUTH_JWKS: jwksFileOf(issuerFolder), AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: AUDIENCE }
    : pick(environment, AUTH);
  const hostAt = (portOffset: number): string => `${hostInUrl(host)}:${portBase + portOffset}`;
  const hostOf = (name: string): string => {
    const row = table.find((one) => one.name === name);
    if (!row) throw new Error(`system.ts names no process ${name}`);
    return hostAt(row.portOffset);
  };
  const urlOf = (name: string): string => `http://${hostOf(name)}`;
  const given = (name: string): string | undefined => outside[name] || undefined;
  const kafka = planKafka(choice, settings, environment);

  const processes = table.map((row): ProcessPlan => {
    const tokenFile = row.callsOthers && issuerFolder ? join(dataDir, 'run', `${row.name}.token`) : undefined;
    const followed = planFollowing(row, urlOf, kafka?.url);
    return {
      name: row.name,
      entry: row.entry,
      port: portBase + row.portOffset,
      url: urlOf(row.name),
      environment: {
        ...pick(environment, PASSED_ON),
        ...NODE_ENVIRONMENT,
        HOST: host,
        PORT: String(portBase + row.portOffset),
        // A follower that starts before its owner logs a warning that it waits, which is no news after `npm start`.
        LOG_LEVEL: environment.LOG_LEVEL || 'error',
        ...auth,
        ...followed,
        ...pick(environment, Object.keys(followed)),
        ...row.settings?.({ hostOf, hostAt, given }),
        ...(kafka && row.publishes ? { KAFKA_PUBLISH_URL: `${kafka.url}/${row.publishes}` } : {}),
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
  return {
    postgres: databases.length > 0 ? { port, databases } : undefined,
    mongodb: mongodb && { port: mongodb.port },
    kafka: kafka?.ports && { ports: kafka.ports },
    issuerFolder,
    processes,
    addresses: {
      services: Object.fromEntries(processes.map(({ name, url }) => [name, url])),
      demoFeed: `http://${hostAt(DEMO_FEED_PORT_OFFSET)}`,
    },
  };
}

/** The catalog's database on a local MongoDB; undefined if it is on PostgreSQL, or the environment names one. */
function planMongodb(
  { catalogStore }: Choice,
  { portBase }: Settings,
  { [CATALOG_STORE]: given }: Environment,
): { url: string; port: number } | undefined {
  if (catalogStore !== 'mongodb') return undefined;
  if (given) {
    if (/^mongodb(\+srv)?:/.test(given)) return undefined;
    throw new Error(
      `${CATALOG_STORE} does not name a MongoDB; give mongodb://…, or start without --catalog-store`,
    );
  }
  const port = portBase + MONGODB_PORT_OFFSET;
  return { url: `mongodb://${LOCAL_HOST}:${port}/catalog`, port };
}

/** A catalog on MongoDB has its own jobs: a job that is half done on PostgreSQL must not continue there. */
const withJobsOfItsOwn = (system: readonly ProcessRow[]): ProcessRow[] =>
  system.map((row) => ({
    ...row,
    stores: row.stores.map((store) =>
      store.database === QUEUE ? { ...store, database: `${QUEUE}_mongodb` } : store,
    ),
  }));

/** The URL of the Kafka, without a topic, and its ports if it is a local one. */
function planKafka(
  { events }: Choice,
  { portBase }: Settings,
  { KAFKA_BROKERS: given }: Environment,
): { url: string; ports?: readonly BrokerPorts[] } | undefined {
  if (events !== 'kafka') return undefined;
  if (!given) {
    const ports = kafkaPorts(portBase, 1);
    return { url: `kafka://${ports.map(({ broker }) => `${LOCAL_HOST}:${broker}`).join(',')}`, ports };
  }
  const url = given.includes('://') ? given : `kafka://${given}`;
  if (!KAFKA_URL.test(url)) {
    throw new Error('KAFKA_BROKERS is not host:port,host:port; npm start -- --help says more');
  }
  return { url };
}

const KAFKA_URL = /^kafka(:\/\/|\+ssl:\/\/[^/]+@)[^\s,/@]+(,[^\s,/@]+)*$/;

/** The settings of a process for the events that it follows. With Kafka it gets the owner's feed too. */
const planFollowing = (
  { follows = [] }: ProcessRow,
  urlOf: (name: string) => string,
  kafkaUrl: string | undefined,
): Record<string, string> =>
  Object.assign(
    {},
    ...follows.map(({ prefix, owner, topic }) => {
      const feed = `${urlOf(owner)}/events`;
      if (kafkaUrl === undefined) return { [`${prefix}_EVENTS_URL`]: feed };
      return { [`${prefix}_EVENTS_URL`]: `${kafkaUrl}/${topic}`, [`${prefix}_FEED_URL`]: feed };
    }),
  );

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
