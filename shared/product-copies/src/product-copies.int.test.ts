import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { productsTag } from '@micromart/contracts/catalog/etag';
import type { Product } from '@micromart/contracts/catalog/product';
import { openOrigin, type TestOrigin } from '@micromart/http-cache/testing/origin';
import { createProductCopies, type ProductCopies } from './product-copies.ts';

const HOUR_S = 3_600;
const LOG = 'catalog-3f2a9c1e';

let origin: TestOrigin;
let copies: ProductCopies;
/** The catalog's products: versions by id. */
let versions: Map<string, number>;
let log: string;
let maxAgeS: number;

beforeEach(async () => {
  origin = await openOrigin();
  origin.answer = answerAsCatalog;
  versions = new Map([1, 2, 3, 4, 5].map((id) => [String(id), 1]));
  [log, maxAgeS] = [LOG, HOUR_S];
  copies = open();
});
afterEach(() => origin.close());

const open = (maxCopies = 100) =>
  createProductCopies({
    client: origin.client(),
    catalogUrl: `${origin.url}/`,
    token: async () => 'token',
    clock: () => origin.nowMs,
    maxCopies,
  });

const product = (id: string, version: number): Product => ({
  id,
  version,
  name: `product ${id}`,
  category: null,
  department: null,
  brand: null,
  size: null,
  price: { amount: 100 * version, currency: 'USD' },
  scheduledPrice: null,
});

const idsOf = (request: IncomingMessage): string[] => request.url!.split('ids=')[1]!.split(',');

function answerAsCatalog(request: IncomingMessage, response: ServerResponse): void {
  const ids = idsOf(request);
  const known = ids.map((id) => ({ id, version: versions.get(id) ?? 0 }));
  const missing = known.filter(({ version }) => version === 0).map(({ id }) => id);
  const etag = `"${productsTag(log, known)}"`;
  const holds = request.headers['if-none-match'] === etag;
  const lifetime =
    missing.length > 0 ? 'max-age=10' : `max-age=${holds ? maxAgeS / 2 : maxAgeS}, stale-if-error=86400`;
  response.setHeader('etag', etag).setHeader('cache-control', `private, ${lifetime}`);
  const items = known.filter(({ version }) => version > 0).map(({ id, version }) => product(id, version));
  if (holds) response.writeHead(304).end();
  else response.writeHead(200).end(JSON.stringify({ items, missing }));
}

const pass = (seconds: number) => {
  origin.nowMs += seconds * 1_000;
};

const asked = () => origin.requests.map((request) => idsOf(request).join(','));

describe('an answer for 1, 2 and 3', () => {
  beforeEach(() => copies.get(['1', '2', '3']));

  test('also answers for 2, or 3 and 1, while it is fresh', async () => {
    pass(HOUR_S - 1);
    expect((await copies.get(['2'])).copies.get('2')).toEqual({
      state: 'fresh',
      product: product('2', 1),
      ageMs: (HOUR_S - 1) * 1_000,
      freshForMs: 1_000,
    });
    expect(await copies.get(['3', '1'])).toMatchObject({ catalog: 'fresh', freshForMs: 1_000 });
    expect(asked()).toEqual(['1,2,3']);
  });

  test('is cached for callers that cannot wait, while it is fresh', () => {
    pass(HOUR_S - 1);
    expect(copies.cached('2')).toMatchObject({ state: 'fresh', product: product('2', 1), freshForMs: 1_000 });
    expect(copies.cached('4')).toBeUndefined();
    pass(1);
    expect(copies.cached('2')).toBeUndefined();
    expect(asked()).toEqual(['1,2,3']);
  });

  test('leaves only 4 to request for 1 and 4, and the older copy decides the age of both', async () => {
    pass(600);
    const answer = await copies.get(['1', '4']);
    expect(answer).toMatchObject({ catalog: 'fresh', ageMs: 600_000, freshForMs: 3_000_000 });
    expect(asked()).toEqual(['1,2,3', '4']);
  });

  test('is renewed, in part or together with others, by the tag of the requested set', async () => {
    await copies.get(['4']);
    pass(HOUR_S);
    const renewed = await copies.get(['4', '2']);
    expect(renewed).toMatchObject({ catalog: 'fresh', ageMs: 0, freshForMs: (HOUR_S / 2) * 1_000 });
    expect(renewed.copies.get('2')).toMatchObject({ product: product('2', 1) });
    expect(origin.requests.at(-1)!.headers['if-none-match']).toContain(LOG);
    pass(HOUR_S / 2 - 1);
    expect(await copies.get(['2'])).toMatchObject({ catalog: 'fresh' });
    expect(asked()).toEqual(['1,2,3', '4', '2,4']);
  });

  test('is replaced by what has changed, once its lifetime is over', async () => {
    versions.set('2', 2);
    pass(HOUR_S - 1);
    expect((await copies.get(['1', '2'])).copies.get('2')).toMatchObject({ product: { version: 1 } });
    pass(1);
    expect((await copies.get(['1', '2'])).copies.get('2')).toMatchObject({ product: { version: 2 } });
  });

  test('is replaced at once for a caller that knows of a change', async () => {
    versions.set('2', 2);
    expect((await copies.get(['2'], { noCache: true })).copies.get('2')).toMatchObject({
      product: { version: 2 },
    });
    expect((await copies.get(['2'])).copies.get('2')).toMatchObject({
      state: 'fresh',
      product: { version: 2 },
    });
    expect(asked()).toEqual(['1,2,3', '2']);
  });

  test('is validated by its tag for a caller that suspects a change', async () => {
    const { copies: told } = await copies.get(['2'], { noCache: true });
    expect(told.get('2')).toMatchObject({ state: 'fresh', ageMs: 0 });
    expect(origin.requests.at(-1)!.headers).toMatchObject({ 'cache-control': 'no-cache' });
    expect(origin.requests.at(-1)!.headers['if-none-match']).toBeDefined();
  });

  test('is used while the catalog is unavailable, as long as it allowed, and is called stale', async () => {
    await origin.stop();
    pass(HOUR_S);
    const stale = await copies.get(['1', '3']);
    expect(stale).toMatchObject({ catalog: 'stale', ageMs: HOUR_S * 1_000, freshForMs: 0 });
    expect(stale.why).toContain('ECONNREFUSED');
    expect(stale.copies.get('3')).toMatchObject({ state: 'stale', product: product('3', 1) });
    pass(86_400);
    const late = await copies.get(['1', '3']);
    expect(late).toMatchObject({ catalog: 'unavailable', freshForMs: 0 });
    expect(late.copies.size).toBe(0);
  });

  test('is fresh without the catalog too, until its lifetime is over', async () => {
    await origin.stop();
    pass(HOUR_S - 1);
    expect(await copies.get(['1', '3'])).toMatchObject({ catalog: 'fresh', why: undefined });
  });

  test('says what is known about 1 and 4 while the catalog is unavailable', async () => {
    await origin.stop();
    const answer = await copies.get(['1', '4']);
    expect(answer).toMatchObject({ catalog: 'unavailable' });
    expect([...answer.copies.keys()]).toEqual(['1']);
  });

  test('is called stale for a caller that knows of a change while the catalog is unavailable', async () => {
    await origin.stop();
    expect(await copies.get(['1'], { noCache: true })).toMatchObject({ catalog: 'stale' });
  });

  test('is requested in full again when the catalog has another history', async () => {
    log = 'catalog-00000000';
    pass(HOUR_S);
    expect(await copies.get(['1'])).toMatchObject({ catalog: 'fresh' });
    pass(HOUR_S);
    await copies.get(['1', '2']);
    expect(origin.requests.at(-1)!.headers['if-none-match']).toBeUndefined();
  });
});

describe('at the same moment', () => {
  test('two calls for overlapping products request each product once', async () => {
    const [first, second] = await Promise.all([copies.get(['1', '2', '3']), copies.get(['2', '3', '4'])]);
    expect([first.catalog, second.catalog]).toEqual(['fresh', 'fresh']);
    expect([...second.copies.keys()]).toEqual(['2', '3', '4']);
    expect(asked().sort()).toEqual(['1,2,3', '4']);
  });

  test('500 calls for one stale product make one request', async () => {
    await copies.get(['1']);
    pass(HOUR_S);
    const answers = await Promise.all(Array.from({ length: 500 }, () => copies.get(['1'])));
    expect(answers.every(({ catalog }) => catalog === 'fresh')).toBe(true);
    expect(asked()).toEqual(['1', '1']);
  });

  test('500 calls all get the stale copy after one refused attempt', async () => {
    await copies.get(['1', '2']);
    await copies.get(['3']);
    pass(HOUR_S);
    await origin.stop();
    const answers = await Promise.all(Array.from({ length: 500 }, () => copies.get(['2', '3'])));
    expect(answers.every(({ catalog }) => catalog === 'stale')).toBe(true);
    expect(origin.attempts).toEqual(['answered', 'answered', 'failed']);
  });

  test('a caller that knows of a change does not join an earlier request', async () => {
    const { promise: isAsked, resolve: onAsked } = Promise.withResolvers<() => void>();
    origin.answer = (_, response) => {
      const early = product('1', 1);
      const etag = `"${productsTag(LOG, [early])}"`;
      const headers = { etag, 'cache-control': 'max-age=3600' };
      onAsked(() => response.writeHead(200, headers).end(JSON.stringify({ items: [early], missing: [] })));
      origin.answer = answerAsCatalog;
    };
    const early = copies.get(['1']);
    const answerEarly = await isAsked;
    versions.set('1', 2);
    const told = await copies.get(['1'], { noCache: true });
    expect(told.copies.get('1')).toMatchObject({ product: { version: 2 } });
    answerEarly();
    expect((await early).copies.get('1')).toMatchObject({ product: { version: 2 } });
    expect((await copies.get(['1'])).copies.get('1')).toMatchObject({ product: { version: 2 } });
  });
});

describe('a product that the catalog does not know', () => {
  test('is called missing and not copied: the HTTP cache holds the answer for its seconds', async () => {
    const answer = await copies.get(['1', 'new']);
    expect(answer.copies.get('new')).toEqual({ state: 'missing', ageMs: 0, freshForMs: 10_000 });
    expect(answer).toMatchObject({ catalog: 'fresh', freshForMs: 10_000 });
    versions.set('new', 1);
    pass(9);
    expect((await copies.get(['1', 'new'])).copies.get('1')).toMatchObject({ state: 'fresh' });
    pass(1);
    expect((await copies.get(['new'])).copies.get('new')).toMatchObject({ state: 'fresh' });
  });

  test('may have any name', async () => {
    const answer = await copies.get(['__proto__', 'constructor']);
    expect([...answer.copies.values()].map(({ state }) => state)).toEqual(['missing', 'missing']);
  });
});

describe('a catalog that breaks its contract', () => {
  const answerWith = (body: unknown, etag = '"x"') => {
    origin.answer = (_, response) =>
      response
        .writeHead(200, { etag, 'cache-control': 'max-age=3600' })
        .end(typeof body === 'string' ? body : JSON.stringify(body));
  };

  test.each([
    ['no JSON', '{"items":'],
    ['something else', { products: [] }],
    ['a product that was not asked for', { items: [product('9', 1)], missing: [] }],
    ['less than was asked for', { items: [], missing: [] }],
    ['a product twice', { items: [product('1', 1), product('1', 2)], missing: [] }],
    ['a product as known and missing', { items: [product('1', 1)], missing: ['1'] }],
  ])('by answering %s has told nothing', async (_, body) => {
    answerWith(body);
    const answer = await copies.get(['1']);
    expect(answer).toMatchObject({
      catalog: 'unavailable',
      why: 'the catalog answered about other products than requested',
    });
  });

  test('by a tag that does not follow from its answer gets no such tag back', async () => {
    answerWith({ items: [product('1', 1)], missing: [] }, `"${LOG}.wrong"`);
    expect(await copies.get(['1'])).toMatchObject({ catalog: 'fresh' });
    await copies.get(['1'], { noCache: true });
    // The HTTP cache still sends the tag that came with this address.
    expect(origin.requests.at(-1)!.headers['if-none-match']).toBe(`"${LOG}.wrong"`);
    pass(HOUR_S);
    origin.answer = answerAsCatalog;
    expect(await copies.get(['1', '2'])).toMatchObject({ catalog: 'fresh' });
  });
});

test('holds no more copies than its limit', async () => {
  copies = open(2);
  expect((await copies.get(['1', '2', '3'])).copies.size).toBe(3);
  expect(await copies.get(['3', '2'])).toMatchObject({ catalog: 'fresh' });
  await copies.get(['1']);
  expect(asked()).toEqual(['1,2,3', '1']);
});

test('splits many ids into requests that the catalog accepts, and refuses too many', async () => {
  const many = Array.from({ length: 500 }, (_, n) => `p${n}`);
  expect((await copies.get(many)).copies.size).toBe(500);
  expect(origin.requests.map((request) => idsOf(request).length)).toEqual([200, 200, 100]);
  await expect(copies.get(Array.from({ length: 1_001 }, (_, n) => String(n)))).rejects.toThrow('1000');
});

test('sends its token, and no request without one', async () => {
  await copies.get(['1']);
  expect(origin.requests[0]!.headers.authorization).toBe('Bearer token');
  const tokenless = createProductCopies({
    client: origin.client(),
    catalogUrl: origin.url,
    token: () => Promise.reject(new Error('the service token cannot be read')),
    clock: () => origin.nowMs,
  });
  const answer = await tokenless.get(['1']);
  expect(answer).toMatchObject({ catalog: 'unavailable', why: 'the service token cannot be read' });
});
