import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { productsTag } from '@micromart/contracts/catalog/etag';
import { productContent, productSet } from '@micromart/contracts/catalog/product';
import { createApp } from '@micromart/http/app';
import { createAuthentication, type Role } from '@micromart/http/authentication/authentication';
import { createMetrics } from '@micromart/http/metrics';
import { type RunningServer, startServer } from '@micromart/http/server/server';
import { isUnavailable } from '@micromart/postgres/failure';
import { createLogger } from '@micromart/process/logger';
import { openTestIssuer, type TestIssuer } from '@micromart/testing/http';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { decideOrder, type ProductOrder } from './product.ts';
import { productRoutes } from './product-routes.ts';
import { openCatalogReader, openCatalogWriter } from './store/open-store.ts';
import type { CatalogReader, CatalogWriter } from './store/store.ts';

const START = Date.parse('2026-11-01T12:00:00Z');
const LIFETIMES = { maxAgeS: 3_600, maxAgeRevalidatedS: 1_800 };

/** The clock of all instances, in milliseconds. No test waits for it. */
let clock = START;
const now = () => new Date(clock);

let database: TestDatabase;
let issuer: TestIssuer;
let writer: CatalogWriter;
let instances: { reader: CatalogReader; server: RunningServer }[];
let tokens: Record<Role, string>;
let jobs = 0;

const fail = (error: unknown) => {
  throw error;
};

async function startInstance() {
  const reader = await openCatalogReader(database.url, fail);
  const logger = createLogger({ name: 'catalog', level: 'silent' });
  const app = createApp({
    name: 'catalog',
    logger,
    metrics: createMetrics('catalog'),
    authenticate: createAuthentication({
      jwks: issuer.jwks,
      issuer: issuer.issuer,
      audience: issuer.audience,
    }),
    routes: productRoutes(reader, { lifetimes: LIFETIMES, now }),
    checks: [],
    ratePerSecond: 100_000,
    readsPerSecond: 100_000,
    metricsOpen: false,
    isUnavailable: isUnavailable,
  });
  return { reader, server: await startServer(app, { host: '127.0.0.1', port: 0, logger }) };
}

beforeAll(async () => {
  [database, issuer] = await Promise.all([openTestDatabase(), openTestIssuer()]);
  writer = await openCatalogWriter(database.url, { onError: fail });
  instances = [await startInstance(), await startInstance()];
  const roles: Role[] = ['shopper', 'business', 'catalog', 'operator', 'service'];
  tokens = Object.fromEntries(
    await Promise.all(
      roles.map(async (role) => [role, await issuer.token({ subject: role, roles: [role] })] as const),
    ),
  ) as Record<Role, string>;
});

afterAll(async () => {
  for (const { server, reader } of instances ?? []) {
    await server.close();
    await reader.close();
  }
  await writer?.close();
  await Promise.all([database?.close(), issuer?.close()]);
});

beforeEach(() => {
  clock = START;
});

// biome-ignore lint/suspicious/noExplicitAny: the tests check what a body contains.
type Reply = { status: number; etag: string | null; cache: string | null; body: any };

async function get(
  path: string,
  { held, role = 'service', instance = 0 }: { held?: string | null; role?: Role; instance?: number } = {},
): Promise<Reply> {
  const { status, headers, body } = await fetch(instances[instance]!.server.url + path, {
    headers: { authorization: `Bearer ${tokens[role]}`, ...(held && { 'if-none-match': held }) },
  }).then(async (response) => ({
    status: response.status,
    headers: response.headers,
    body: await response.text(),
  }));
  return {
    status,
    etag: headers.get('etag'),
    cache: headers.get('cache-control'),
    body: body ? JSON.parse(body) : undefined,
  };
}

const usd = (amount: number) => ({ amount, currency: 'USD' });

const order = (id: string, what: ProductOrder) => {
  jobs += 1;
  return writer.products.change(id, decideOrder(writer.log.name, id, what, { job: jobs, row: 1 }, now()));
};
const put = (id: string, fields: object = {}) =>
  order(id, {
    kind: 'put',
    content: productContent.parse({ name: `Product ${id}`, price: usd(399), ...fields }),
  });
const withdraw = (id: string) => order(id, { kind: 'withdraw' });
const inSeconds = (seconds: number) => new Date(START + seconds * 1_000).toISOString();

const FRESH = 'private, max-age=3600, stale-if-error=86400';
const REVALIDATED = 'private, max-age=1800, stale-if-error=86400';
const MISSING = 'private, max-age=10';

describe('one product', () => {
  test('is answered with its version, its tag and its lifetime', async () => {
    await put('one', { category: 'BREAD', brand: 'National' });
    const { status, etag, cache, body } = await get('/products/one');
    expect({ status, cache, body }).toEqual({
      status: 200,
      cache: FRESH,
      body: {
        id: 'one',
        version: 1,
        name: 'Product one',
        category: 'BREAD',
        department: null,
        brand: 'National',
        size: null,
        price: usd(399),
        scheduledPrice: null,
      },
    });
    expect(etag).toBe(`"${productsTag(writer.log.name, [{ id: 'one', version: 1 }])}"`);
    expect(await get('/products/one', { held: etag })).toEqual({
      status: 304,
      etag,
      cache: REVALIDATED,
      body: undefined,
    });
  });

  test('that was never known is missing, and the answer is valid for seconds', async () => {
    expect(await get('/products/nowhere')).toMatchObject({ status: 404, cache: MISSING, etag: null });
    expect(await get('/products/nowhere', { held: '*' })).toMatchObject({ status: 404, cache: MISSING });
  });

  test('that is withdrawn is gone, also for a client with a copy, and can come back', async () => {
    await put('seasonal');
    const { etag } = await get('/products/seasonal');
    await withdraw('seasonal');
    expect(await get('/products/seasonal')).toMatchObject({ status: 410, cache: MISSING, etag: null });
    expect(await get('/products/seasonal', { held: etag })).toMatchObject({ status: 410 });
    const { etag: withdrawn } = await get('/products?ids=seasonal');
    expect(await get('/products/seasonal', { held: withdrawn })).toMatchObject({ status: 410 });
    await put('seasonal');
    expect(await get('/products/seasonal')).toMatchObject({ status: 200, body: { version: 3 } });
  });

  test('may be called __proto__', async () => {
    await put('__proto__');
    expect(await get('/products/__proto__')).toMatchObject({ status: 200, body: { id: '__proto__' } });
    expect(await get('/products?ids=__proto__,constructor')).toMatchObject({
      body: { items: [{ id: '__proto__' }], missing: ['constructor'] },
    });
  });
});

describe('a set of products', () => {
  const IDS = Array.from({ length: 200 }, (_, n) => `set-${String(n).padStart(3, '0')}`);
  const all = `/products?ids=${IDS.join()}`;

  beforeAll(async () => {
    await Promise.all(IDS.map((id) => put(id)));
  });

  test('of 200 is answered completely, ascending, as the contract says', async () => {
    const { status, cache, body } = await get(all);
    expect({ status, cache }).toEqual({ status: 200, cache: FRESH });
    expect(productSet.parse(body).items.map(({ id }) => id)).toEqual(IDS);
    expect(body.missing).toEqual([]);
  });

  test('has the same tag and body on every instance, in every order, with any repetition', async () => {
    const first = await get(all);
    const mixed = [...IDS].reverse().slice(0, 190);
    const shuffled = `/products?ids=${[...mixed, ...mixed.slice(0, 10)].join()}`;
    const other = await get(shuffled, { instance: 1 });
    const sorted = await get(`/products?ids=${[...mixed].sort().join()}`);
    expect(other).toEqual(sorted);
    expect(await get(all, { instance: 1 })).toEqual(first);
    expect(other.etag).not.toBe(first.etag);
    expect(await get(all, { instance: 1, held: first.etag })).toMatchObject({ status: 304 });
  });

  test("has a tag that follows from the answer's own log, ids and versions", async () => {
    const { etag, body } = await get('/products?ids=set-001,nowhere,set-000');
    expect(etag).toBe(`"${productsTag(writer.log.name, [...body.items, { id: 'nowhere', version: 0 }])}"`);
  });

  test('has another tag after a change of any of them, on every instance', async () => {
    let { etag } = await get(all);
    for (const id of [IDS[0]!, IDS[117]!, IDS[199]!]) {
      await put(id, { price: usd(123) });
      const after = await get(all, { instance: 1, held: etag });
      expect(after).toMatchObject({ status: 200, cache: FRESH });
      expect(after.etag).not.toBe(etag);
      expect(after.body.items.find((item: { id: string }) => item.id === id)).toMatchObject({
        price: usd(123),
      });
      etag = after.etag;
    }
    await put(IDS[0]!, { price: usd(1) });
    await put(IDS[0]!, { price: usd(1) });
    const { etag: settled } = await get(all);
    await put(IDS[0]!, { price: usd(1) });
    expect(await get(all, { held: settled })).toMatchObject({ status: 304, cache: REVALIDATED });
  });

  test('says which are missing, and is then valid for seconds only, until they exist', async () => {
    const path = '/products?ids=soon,set-000,never';
    const before = await get(path);
    expect(before).toMatchObject({ status: 200, cache: MISSING, body: { missing: ['never', 'soon'] } });
    expect(await get(path, { held: before.etag })).toMatchObject({ status: 304, cache: MISSING });
    await put('soon');
    expect(await get(path, { held: before.etag })).toMatchObject({
      status: 200,
      cache: MISSING,
      body: { items: [{ id: 'set-000' }, { id: 'soon' }], missing: ['never'] },
    });
  });

  test('shows the withdrawn ones as withdrawn', async () => {
    await put('leaving');
    const { etag } = await get('/products?ids=leaving');
    await withdraw('leaving');
    expect(await get('/products?ids=leaving', { held: etag })).toMatchObject({
      status: 200,
      cache: FRESH,
      body: { items: [{ id: 'leaving', version: 2, withdrawn: true, name: 'Product leaving' }] },
    });
  });

  test('is answered completely to a client with other copies', async () => {
    const { etag } = await get('/products?ids=set-000');
    for (const held of ['"other"', `"catalog-00000000.${etag!.split('.')[1]}`]) {
      expect(await get('/products?ids=set-000', { held })).toMatchObject({ status: 200 });
    }
    expect(await get('/products?ids=set-000', { held: 'nonsense' })).toMatchObject({ status: 400 });
    for (const held of [`W/${etag}`, `"other", ${etag}`]) {
      expect(await get('/products?ids=set-000', { held })).toMatchObject({ status: 304 });
    }
  });

  test.each([
    ['an empty list', 'ids='],
    ['an empty id', 'ids=1,,2'],
    ['a path', 'ids=../1'],
    ['a character beyond ASCII', 'ids=%C3%A9'],
    ['a zero byte', 'ids=%00'],
    ['more than 200', `ids=${Array.from({ length: 201 }, (_, n) => n).join()}`],
    ['one and the same 201 times', `ids=${Array(201).fill('1').join()}`],
    ['ids and a search', 'ids=1&q=bread'],
    ['ids and a limit', 'ids=1&limit=5'],
    ['a field that is not known', 'ids=1&fields=name'],
    ['ids twice', 'ids=1&ids=2'],
    ['a search for nothing', 'q='],
    ['a search for signs', 'q=%21%21'],
    ['a zero byte in a category', 'category=%00'],
    ['a limit of 0', 'limit=0'],
    ['a limit above 1000', 'limit=1001'],
    ['a cursor that is none', 'cursor=x'],
  ])('is refused with %s', async (_, query) => {
    expect(await get(`/products?${query}`)).toMatchObject({
      status: 400,
      body: { type: '/problems/invalid' },
    });
  });
});

describe('a scheduled price', () => {
  const paths = (id: string) => [`/products/${id}`, `/products?ids=${id},set-000`];
  const shown = ({ body }: Reply) => (body.items ? body.items[0] : body);

  test('in 100 s limits every lifetime to 100 s', async () => {
    await put('sale', { scheduledPrice: { price: usd(299), from: inSeconds(100) } });
    for (const path of paths('sale')) {
      clock = START;
      const first = await get(path);
      expect(first.cache).toBe('private, max-age=100, stale-if-error=86400');
      expect(shown(first)).toMatchObject({
        version: 1,
        price: usd(399),
        scheduledPrice: { price: usd(299), from: inSeconds(100) },
      });
      clock = START + 40_500;
      expect(await get(path, { held: first.etag })).toMatchObject({
        status: 304,
        cache: 'private, max-age=59, stale-if-error=86400',
      });
      clock = START + 99_999;
      expect(await get(path, { held: first.etag })).toMatchObject({
        status: 304,
        cache: 'private, max-age=0, stale-if-error=86400',
      });
    }
  });

  test('is the price from that moment on, with a new tag, even if no worker runs', async () => {
    for (const path of paths('sale')) {
      clock = START + 99_999;
      const before = await get(path);
      clock = START + 100_000;
      const after = await get(path, { held: before.etag });
      expect(after).toMatchObject({ status: 200, cache: FRESH });
      expect(after.etag).not.toBe(before.etag);
      expect(shown(after)).toMatchObject({ version: 2, price: usd(299), scheduledPrice: null });
      expect(await get(path, { held: after.etag, instance: 1 })).toMatchObject({
        status: 304,
        cache: REVALIDATED,
      });
    }
    expect((await writer.products.read('sale'))!.state).toMatchObject({ version: 1, price: usd(399) });
  });

  test('beyond a lifetime does not shorten it', async () => {
    await put('autumn', { scheduledPrice: { price: usd(299), from: inSeconds(7_200) } });
    expect(await get('/products/autumn')).toMatchObject({ cache: FRESH });
  });

  test('of any product of a set shortens the lifetime of the whole set', async () => {
    await put('in-50', { scheduledPrice: { price: usd(1), from: inSeconds(50) } });
    await put('in-60', { scheduledPrice: { price: usd(1), from: inSeconds(60) } });
    const path = '/products?ids=in-60,in-50,set-000';
    expect(await get(path)).toMatchObject({ cache: 'private, max-age=50, stale-if-error=86400' });
    clock = START + 55_000;
    expect(await get(path)).toMatchObject({ cache: 'private, max-age=5, stale-if-error=86400' });
  });

  test('is shown in searches from its moment on', async () => {
    await put('findable', { name: 'Zwieback', scheduledPrice: { price: usd(1), from: inSeconds(10) } });
    const price = async () => (await get('/products?q=zwieback')).body.items[0].price;
    expect(await price()).toEqual(usd(399));
    clock = START + 10_000;
    expect(await price()).toEqual(usd(1));
  });
});

describe('the list', () => {
  test('lists all products that are sold page by page, each once', async () => {
    const ids: string[] = [];
    let next = '';
    do {
      const { status, cache, body } = await get(`/products?limit=70${next}`);
      expect({ status, cache }).toEqual({ status: 200, cache: 'no-store' });
      ids.push(...body.items.map((item: { id: string }) => item.id));
      next = body.next === null ? '' : `&cursor=${body.next}`;
    } while (next);
    expect(ids).toEqual([...new Set(ids)].sort());
    expect(ids).toEqual(expect.arrayContaining(['one', 'set-000', 'set-199', 'sale']));
    expect(ids).not.toContain('leaving');
  });

  test('has 50 products a page, or the requested limit', async () => {
    expect((await get('/products?category=BREAD')).body).toMatchObject({
      items: [{ id: 'one' }],
      next: null,
    });
    expect((await get('/products')).body.items).toHaveLength(50);
    expect((await get('/products?q=set&limit=1000')).body.items).toHaveLength(200);
  });

  test('refuses a cursor of another search', async () => {
    const { next } = (await get('/products?q=set&limit=1')).body;
    expect((await get(`/products?q=set&limit=1&cursor=${next}`)).body.items).toMatchObject([
      { id: 'set-001' },
    ]);
    expect(await get(`/products?q=product&limit=1&cursor=${next}`)).toMatchObject({ status: 400 });
  });
});

test.each<[Role, number]>([
  ['shopper', 200],
  ['business', 200],
  ['catalog', 200],
  ['service', 200],
  ['operator', 403],
])('the role %s gets %i', async (role, status) => {
  expect(await get('/products', { role })).toMatchObject({ status });
  expect(await get('/products/one', { role })).toMatchObject({ status });
});
