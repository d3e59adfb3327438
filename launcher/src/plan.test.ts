import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readSettings } from './arguments.ts';
import { NODE_ENVIRONMENT } from './node-settings.ts';
import { createPlan } from './plan.ts';
import {
  kafkaPorts,
  MAX_PORT_OFFSET,
  MONGODB_PORT_OFFSET,
  POSTGRES_PORT_OFFSET,
  type ProcessRow,
  SYSTEM,
} from './system.ts';

const plan = (environment: Record<string, string> = {}, table: readonly ProcessRow[] = SYSTEM) =>
  createPlan(table, readSettings(environment, '/repo'), environment);

const named = (name: string, environment: Record<string, string> = {}) =>
  plan(environment).processes.find((process) => process.name === name)!;

const GIVEN_STORES = SYSTEM.flatMap(({ stores }) => stores.map(({ given }) => given));
const GIVEN_ISSUER = {
  AUTH_JWKS: 'https://id.example/keys',
  AUTH_ISSUER: 'https://id.example',
  AUTH_AUDIENCE: 'shop',
  SERVICE_TOKEN_FILE: '/run/token',
};

describe('without any settings', () => {
  test('embeds PostgreSQL with a database and a role for each process', () => {
    expect(plan().postgres).toEqual({
      port: 4032,
      databases: [
        { name: 'cart', owner: 'cart_service', guests: [] },
        { name: 'catalog', owner: 'catalog_worker', guests: ['catalog_service'] },
        { name: 'queue', owner: 'catalog_worker', guests: ['catalog_service'] },
        { name: 'tracking', owner: 'shopper_tracking_service', guests: [] },
      ],
    });
    expect(named('cart-service').embeddedStores).toEqual([
      { setting: 'STORE_URL', database: 'cart', role: 'cart_service' },
    ]);
  });

  test('gives each process its address, its issuer and the addresses of others', () => {
    const tracking = named('shopper-tracking-service', { PATH: '/bin', LANG: 'C', AWS_SECRET: 'x' });
    expect(tracking).toMatchObject({ port: 4004, url: 'http://127.0.0.1:4004' });
    expect(tracking.environment).toEqual({
      PATH: '/bin',
      LANG: 'C',
      ...NODE_ENVIRONMENT,
      HOST: '127.0.0.1',
      PORT: '4004',
      LOG_LEVEL: 'error',
      AUTH_JWKS: '/repo/.data/issuer/jwks.json',
      AUTH_ISSUER: 'micromart-dev',
      AUTH_AUDIENCE: 'micromart',
      CART_EVENTS_URL: 'http://127.0.0.1:4001/events',
      CATALOG_URL: 'http://127.0.0.1:4002',
      SERVICE_TOKEN_FILE: '/repo/.data/run/shopper-tracking-service.token',
    });
  });

  test('gives a token only to those that call others', () => {
    expect(named('cart-service').tokenFile).toBe('/repo/.data/run/cart-service.token');
    expect(named('catalog-service').tokenFile).toBeUndefined();
    expect(named('catalog-service').environment).not.toHaveProperty('SERVICE_TOKEN_FILE');
  });

  test.each(['cart-service', 'shopper-tracking-service'])(
    "gives %s the catalog's address, unless the environment names another",
    (name) => {
      expect(named(name).environment.CATALOG_URL).toBe('http://127.0.0.1:4002');
      const other = { CATALOG_URL: 'https://catalog.example' };
      expect(named(name, other).environment).toMatchObject(other);
    },
  );
});

test('moves everything along with PORT_BASE and DATA_DIR', () => {
  const { postgres, issuerFolder, processes } = plan({ PORT_BASE: '5000', DATA_DIR: '/data' });
  expect([postgres?.port, ...processes.map(({ port }) => port)]).toEqual([
    5032, 5001, 5002, 5005, 5004, 5006,
  ]);
  expect(issuerFolder).toBe('/data/issuer');
});

test('passes a given store to its own process, and embeds only the others', () => {
  const environment = { CART_STORE_URL: 'postgres://u:secret@db/cart' };
  expect(plan(environment).postgres?.databases.map(({ name }) => name)).toEqual([
    'catalog',
    'queue',
    'tracking',
  ]);
  expect(named('cart-service', environment)).toMatchObject({ embeddedStores: [] });
  expect(named('cart-service', environment).environment.STORE_URL).toBe('postgres://u:secret@db/cart');
  expect(JSON.stringify(named('shopper-tracking-service', environment))).not.toContain('secret');
});

test('embeds no PostgreSQL when every store is given', () => {
  const environment = Object.fromEntries(GIVEN_STORES.map((name) => [name, `postgres://db/${name}`]));
  expect(plan(environment).postgres).toBeUndefined();
});

test('follows the events of another owner when the environment names one', () => {
  const environment = { CART_EVENTS_URL: 'https://cart.example/events' };
  expect(named('shopper-tracking-service', environment).environment).toMatchObject(environment);
});

describe("the catalog's worker", () => {
  const worker = (environment?: Record<string, string>) => named('catalog-worker', environment).environment;

  test("may read the demo's feeds, and those that the environment names besides", () => {
    expect(worker().IMPORT_ALLOWED_HOSTS).toBe('127.0.0.1:4006,127.0.0.1:4007');
    expect(worker({ IMPORT_ALLOWED_HOSTS: 'a.example:443,b.example:80' }).IMPORT_ALLOWED_HOSTS).toBe(
      '127.0.0.1:4006,127.0.0.1:4007,a.example:443,b.example:80',
    );
  });

  test("knows the API's role, unless all of the databases are external", () => {
    const given = { CATALOG_STORE_URL: 'postgres://db/catalog', QUEUE_URL: 'postgres://db/queue' };
    expect(worker().API_ROLE).toBe('catalog_service');
    expect(worker(given).API_ROLE).toBe('');
    expect(worker({ ...given, API_ROLE: 'api' }).API_ROLE).toBe('api');
  });

  test('has a MongoDB that the environment names, or a local one, and jobs of its own on PostgreSQL', () => {
    const onMongodb = (environment: Record<string, string> = {}) =>
      createPlan(SYSTEM, readSettings(environment, '/repo'), environment, {
        events: 'feed',
        catalogStore: 'mongodb',
      });
    const storesIn = ({ processes }: ReturnType<typeof createPlan>) =>
      ['catalog-service', 'catalog-worker'].map(
        (name) => processes.find((process) => process.name === name)!.environment.STORE_URL,
      );
    const local = onMongodb();
    expect(local.mongodb).toEqual({ port: 4017 });
    expect(storesIn(local)).toEqual(Array(2).fill('mongodb://127.0.0.1:4017/catalog'));
    expect(local.postgres?.databases.map(({ name }) => name)).toEqual(['cart', 'queue_mongodb', 'tracking']);

    const CATALOG_STORE_URL = 'mongodb://u:secret@m1:27017,m2:27017/catalog';
    const given = onMongodb({ CATALOG_STORE_URL });
    expect(given.mongodb).toBeUndefined();
    expect(storesIn(given)).toEqual(Array(2).fill(CATALOG_STORE_URL));
    expect(() => onMongodb({ CATALOG_STORE_URL: 'postgres://u:secret@db/catalog' })).toThrow(
      'CATALOG_STORE_URL does not name a MongoDB; give mongodb://…, or start without --catalog-store',
    );
  });
});

describe('over Kafka', () => {
  const overKafka = (environment: Record<string, string> = {}) =>
    createPlan(SYSTEM, readSettings(environment, '/repo'), environment, {
      events: 'kafka',
      catalogStore: 'postgres',
    });
  const environmentOf = (name: string, environment?: Record<string, string>) =>
    overKafka(environment).processes.find((process) => process.name === name)!.environment;

  test('starts a broker where none is named', () => {
    expect(plan().kafka).toBeUndefined();
    expect(overKafka({ PORT_BASE: '5000' }).kafka).toEqual({ ports: [{ broker: 5092, controller: 5093 }] });
    expect(overKafka({ KAFKA_BROKERS: 'b1:9092' }).kafka).toBeUndefined();
  });

  test('makes owners publish, and followers read the topic, besides the feed', () => {
    expect(environmentOf('cart-service').KAFKA_PUBLISH_URL).toBe('kafka://127.0.0.1:4092/cart-events');
    const tracking = environmentOf('shopper-tracking-service', { KAFKA_BROKERS: 'b1:9092,b2:9092' });
    expect(tracking.CART_EVENTS_URL).toBe('kafka://b1:9092,b2:9092/cart-events');
    expect(tracking.CART_FEED_URL).toBe('http://127.0.0.1:4001/events');
    expect(tracking).not.toHaveProperty('KAFKA_PUBLISH_URL');
  });

  test('logs in if the environment has credentials', () => {
    const KAFKA_BROKERS = 'kafka+ssl://ann:secret@b1:9092,b2:9092';
    const cart = environmentOf('cart-service', { KAFKA_BROKERS, KAFKA_CA_FILE: '/ca.pem' });
    expect(cart).toMatchObject({
      KAFKA_PUBLISH_URL: `${KAFKA_BROKERS}/cart-events`,
      KAFKA_CA_FILE: '/ca.pem',
    });
  });

  test.each(['b1:9092,', 'b1:9092/topic', 'http://b1:9092', 'kafka://ann:secret@b1:9092'])(
    'refuses KAFKA_BROKERS=%s without repeating it',
    (KAFKA_BROKERS) => {
      expect(() => overKafka({ KAFKA_BROKERS })).toThrow(/^KAFKA_BROKERS is not host:port,host:port; npm/);
    },
  );
});

test('accepts another issuer with all its settings, and then makes no tokens', () => {
  expect(plan(GIVEN_ISSUER).issuerFolder).toBeUndefined();
  const tracking = named('shopper-tracking-service', GIVEN_ISSUER);
  expect(tracking.environment).toMatchObject(GIVEN_ISSUER);
  expect(tracking.tokenFile).toBeUndefined();
});

test('refuses an incomplete issuer, and says which settings are missing', () => {
  const { AUTH_ISSUER: _, SERVICE_TOKEN_FILE: __, ...part } = GIVEN_ISSUER;
  expect(() => plan(part)).toThrow(/not set: AUTH_ISSUER, SERVICE_TOKEN_FILE\./);
});

test('reaches services that listen on every address on this machine', () => {
  expect(named('cart-service', { HOST: '0.0.0.0' }).url).toBe('http://127.0.0.1:4001');
  expect(named('cart-service', { HOST: '::' }).url).toBe('http://[::1]:4001');
  expect(named('cart-service', { HOST: '0.0.0.0' }).environment.HOST).toBe('0.0.0.0');
  expect(named('cart-service', { HOST: '2001:db8::1' }).url).toBe('http://[2001:db8::1]:4001');
});

describe('a database that two processes share', () => {
  const row = (name: string, portOffset: number, access: 'owner' | 'guest'): ProcessRow => ({
    name,
    entry: `${name}.ts`,
    portOffset,
    stores: [{ setting: 'QUEUE_URL', given: 'QUEUE_URL', database: 'queue', access }],
  });

  test('has one owner, and a role of its own for each', () => {
    const { postgres, processes } = plan({}, [row('api', 2, 'guest'), row('worker', 5, 'owner')]);
    expect(postgres?.databases).toEqual([{ name: 'queue', owner: 'worker', guests: ['api'] }]);
    expect(processes.map(({ embeddedStores }) => embeddedStores[0]?.role)).toEqual(['api', 'worker']);
  });

  test('cannot have two owners, or none', () => {
    expect(() => plan({}, [row('api', 2, 'owner'), row('worker', 5, 'owner')])).toThrow(
      /not exactly one owner/,
    );
    expect(() => plan({}, [row('api', 2, 'guest')])).toThrow(/not exactly one owner/);
  });
});

test('gives each process only its own settings, whatever the environment has', () => {
  const names = [
    ...GIVEN_STORES,
    'CART_EVENTS_URL',
    'LOG_LEVEL',
    'HOST',
    'PATH',
    'NODE_OPTIONS',
    'PGPASSWORD',
  ];
  const environments = fc.dictionary(
    fc.constantFrom(...names),
    fc.string({ minLength: 1 }).map((s) => `secret ${s}`),
  );
  fc.assert(
    fc.property(environments, (environment) => {
      const { postgres, processes } = plan(environment);
      for (const [index, row] of SYSTEM.entries()) {
        const own = processes[index]!;
        for (const { setting, given } of row.stores) {
          // A store is the given one or an embedded one, never both.
          expect(own.environment[setting]).toBe(environment[given]);
          expect(own.embeddedStores.some((store) => store.setting === setting)).toBe(!environment[given]);
        }
        const settings = row.stores.map(({ setting }) => setting);
        for (const forbidden of [...GIVEN_STORES, 'PGPASSWORD', 'NODE_OPTIONS']) {
          if (!settings.includes(forbidden)) expect(own.environment).not.toHaveProperty(forbidden);
        }
      }
      expect(postgres !== undefined).toBe(GIVEN_STORES.some((given) => !environment[given]));
    }),
    { numRuns: 200 },
  );
});

test('gives no two parts of the system the same port, name or role', () => {
  const kafka = kafkaPorts(0, 3).flatMap(({ broker, controller }) => [broker, controller]);
  const services = SYSTEM.map(({ portOffset }) => portOffset);
  const offsets = [...services, MONGODB_PORT_OFFSET, POSTGRES_PORT_OFFSET, ...kafka];
  expect(new Set(offsets).size).toBe(offsets.length);
  expect(Math.max(...offsets)).toBe(MAX_PORT_OFFSET);
  expect(new Set(SYSTEM.map(({ name }) => name)).size).toBe(SYSTEM.length);
});

test('the catalog may read the feeds of the supplier and of the demo, wherever the services listen', () => {
  const addresses = fc.oneof(
    fc.ipV4(),
    fc.ipV6().filter((address) => !/^[0:]*:ffff:|\./i.test(address)),
  );
  fc.assert(
    fc.property(addresses, (HOST) => {
      const { addresses, processes } = plan({ HOST });
      const allowed = processes.find(({ name }) => name === 'catalog-worker')!.environment
        .IMPORT_ALLOWED_HOSTS;
      expect(allowed).toBe(
        [addresses.services['supplier-feed']!, addresses.demoFeed].map((url) => new URL(url).host).join(),
      );
    }),
  );
});
