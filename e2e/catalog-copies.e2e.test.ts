/**
 * The cart's copies of the catalog's answers, with the real processes and lifetimes of seconds: the cart's requests, when it
 * shows a change, and how carts work while the catalog is dead. Each test continues where the last one stopped.
 */
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openTestIssuer, type TestIssuer } from '@micromart/testing/http';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { until } from '@micromart/testing/until';
import { openServiceProcess, type ServiceProcess } from './testing/service-process.ts';
import { type Ask, createAsk, type Reply } from './testing/shop.ts';

const MAX_AGE_S = 2;
const LATER_MS = 4_000;
const usd = (amount: number) => ({ amount, currency: 'USD' });

let databases: TestDatabase[];
let issuer: TestIssuer;
let catalog: ServiceProcess;
let worker: ServiceProcess;
let carts: ServiceProcess;
let merchant: Ask;
let alice: Ask;
let cart: string;

beforeAll(async () => {
  databases = await Promise.all([openTestDatabase(), openTestDatabase(), openTestDatabase()]);
  const [products, queue, own] = databases.map(({ url }) => url) as [string, string, string];
  issuer = await openTestIssuer();
  const tokenFile = `${issuer.jwks}.token`;
  await writeFile(tokenFile, await issuer.token({ subject: 'cart-service', roles: ['service'] }));
  const auth = {
    AUTH_JWKS: issuer.jwks,
    AUTH_ISSUER: issuer.issuer,
    AUTH_AUDIENCE: issuer.audience,
    RATE_LIMIT_PER_SECOND: '1000000',
    READ_LIMIT_PER_SECOND: '1000000',
  };
  const stores = { ...auth, STORE_URL: products, QUEUE_URL: queue };
  worker = await openServiceProcess('catalog-service/src/worker-main.ts', stores);
  catalog = await openServiceProcess('catalog-service/src/main.ts', {
    ...stores,
    CACHE_MAX_AGE: String(MAX_AGE_S),
    CACHE_MAX_AGE_REVALIDATED: String(MAX_AGE_S),
  });
  carts = await openServiceProcess('cart-service/src/main.ts', {
    ...auth,
    STORE_URL: own,
    CATALOG_URL: catalog.url,
    SERVICE_TOKEN_FILE: tokenFile,
  });
  await Promise.all([worker, catalog, carts].map((one) => one.start()));
  merchant = createAsk(catalog.url, await issuer.token({ subject: 'carla', roles: ['catalog'] }));
  alice = createAsk(carts.url, await issuer.token({ subject: 'alice', roles: ['shopper'] }));
  await sell('tea', { price: usd(399) });
  cart = (await alice('POST', '/carts')).body.id;
}, 120_000);

afterAll(async () => {
  await Promise.all([carts, catalog, worker].map((one) => one.kill('SIGTERM')));
  await Promise.all([...databases.map((one) => one.close()), issuer.close()]);
});

/** Writes a product; resolves when the worker has done so. */
async function sell(id: string, content: object): Promise<void> {
  const { headers } = await merchant('PUT', `/products/${id}`, { body: { name: `The ${id}`, ...content } });
  await until(async () => (await merchant('GET', headers.get('location')!)).body.state === 'done');
}

const add = (productId: string): Promise<Reply> =>
  alice('POST', `/carts/${cart}/items`, { body: { items: [{ productId, quantity: 1 }] } });
const read = async () => (await alice('GET', `/carts/${cart}`)).body;
const priceOf = async (productId: string): Promise<number | undefined> =>
  (await read()).items.find((line: { productId: string }) => line.productId === productId)?.currentPrice
    ?.amount;

/** How many requests for products the catalog has answered, by status. */
async function answered(status: 200 | 304): Promise<number> {
  const text = await (await fetch(`${catalog.url}/metrics`)).text();
  const labels = `method="GET",route="/products",status="${status}"`;
  const line = text
    .split('\n')
    .find((one) => one.startsWith('http_request_duration_seconds_count') && one.includes(labels));
  return Number(line?.split(' ').at(-1) ?? 0);
}

test('a copy serves while it is fresh; then the cart validates it, and never gets the whole product again', async () => {
  expect((await add('tea')).body).toMatchObject({ total: usd(399), catalog: 'fresh' });
  const [whole, confirmed] = [await answered(200), await answered(304)];
  let reads = 0;
  const isConfirmed = async (times: number) => {
    for (let n = 0; n < 10; n += 1) expect((await read()).catalog).toBe('fresh');
    reads += 10;
    return (await answered(304)) >= confirmed + times;
  };
  await until(() => isConfirmed(3));
  expect(await answered(200)).toBe(whole);
  expect(reads).toBeGreaterThan((await answered(304)) - confirmed);
});

test('a change of price shows at the next request to the catalog', async () => {
  await sell('tea', { price: usd(450) });
  const confirmed = await answered(304);
  await until(async () => (await priceOf('tea')) === 450);
  expect(await answered(304)).toBe(confirmed);
  expect((await read()).items[0]).toMatchObject({ name: 'The tea', unitPrice: usd(399) });
});

test('a scheduled price shows from its moment on, and not before', async () => {
  const fromMs = Date.now() + LATER_MS;
  const scheduledPrice = { price: usd(500), from: new Date(fromMs).toISOString() };
  await sell('tea', { price: usd(450), scheduledPrice });
  const tooLate: string[] = [];
  const tooEarly: string[] = [];
  await until(async () => {
    const sentMs = Date.now();
    const price = await priceOf('tea');
    if (sentMs >= fromMs && price === 450) tooLate.push(`${sentMs - fromMs} ms after`);
    if (Date.now() < fromMs && price === 500) tooEarly.push(`${fromMs - Date.now()} ms before`);
    return price === 500;
  });
  expect({ tooLate, tooEarly }).toEqual({ tooLate: [], tooEarly: [] });
});

test('a product that was refused as unknown can be added once the catalog has it', async () => {
  expect((await add('milk')).status).toBe(422);
  await sell('milk', { price: usd(120) });
  await until(async () => (await add('milk')).status === 200);
  expect((await read()).total).toEqual(usd(620));
});

test('while the catalog is dead, carts are read and added to with its last answers', async () => {
  await sell('honey', { price: usd(700) });
  await catalog.kill();
  await until(async () => (await read()).catalog === 'stale');
  expect(await read()).toMatchObject({ total: usd(620) });
  expect((await add('tea')).body).toMatchObject({ catalog: 'stale', total: usd(1_120) });
  const unknown = await add('honey');
  expect(unknown).toMatchObject({ status: 503, body: { detail: expect.stringContaining('product honey') } });
  expect(unknown.headers.get('retry-after')).not.toBeNull();
});

test('once its answers have expired for good, nothing can be added, and all else works', async () => {
  await carts.kill();
  await carts.start();
  expect((await add('tea')).status).toBe(503);
  expect(await read()).toMatchObject({
    catalog: 'unavailable',
    total: null,
    items: [
      {
        productId: 'tea',
        quantity: 2,
        name: 'The tea',
        unitPrice: usd(399),
        currentPrice: null,
        available: null,
      },
      { productId: 'milk', quantity: 1 },
    ],
  });
  expect((await alice('DELETE', `/carts/${cart}/items/milk`)).status).toBe(200);
});

test('when the catalog is back, its prices are fresh again without any other restart', async () => {
  await catalog.start();
  await until(async () => (await read()).catalog === 'fresh');
  expect((await add('honey')).body).toMatchObject({ catalog: 'fresh', total: usd(1_700) });
});
