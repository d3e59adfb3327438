/** How carts use the catalog's answers, and how they work without any. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Running } from '@micromart/service/run';
import { stubProduct } from '@micromart/testing/stub-catalog';
import { openTcpProxy } from '@micromart/testing/tcp-proxy';
import { until } from '@micromart/testing/until';
import { type Asking, ask, openTestCarts, type Reply, type TestCarts } from './testing/test-carts.ts';

const usd = (amount: number) => ({ amount, currency: 'USD' });
/** Every answer must be validated before it is used again. */
const CONFIRM = 'private, max-age=0, stale-if-error=86400';

let carts: TestCarts;
let service: Running;
let alice: string;

beforeEach(async () => {
  carts = await openTestCarts();
  service = await carts.start();
  alice = await carts.issuer.token({ subject: 'alice', roles: ['shopper'] });
});

afterEach(async () => {
  await service.close();
  await carts.close();
});

const call = (method: string, path: string, asking: Asking = {}): Promise<Reply> =>
  ask(service.url + path, method, { token: alice, ...asking });

const open = async (): Promise<string> => (await call('POST', '/carts')).body.id;
const add = (cartId: string, ids: string[], headers: Record<string, string> = {}) =>
  call('POST', `/carts/${cartId}/items`, {
    body: { items: ids.map((productId) => ({ productId, quantity: 1 })) },
    headers,
  });
const read = async (cartId: string) => (await call('GET', `/carts/${cartId}`)).body;
const change = (id: string, given: Parameters<typeof stubProduct>[1]) =>
  carts.catalog.products.set(id, stubProduct(id, { version: 2, ...given }));

test('one late answer of the catalog fails only the request that waits for it', async () => {
  carts.catalog.late = (ids) => ids.includes('slow');
  // Few at once: all of them, the catalog too, are one process, and each has a second.
  const [slow, ...others] = await Promise.all(Array.from({ length: 4 }, () => open()));
  const late = add(slow!, ['slow']);
  await until(() => carts.catalog.asked.some((ids) => ids.includes('slow')));
  const statuses: number[] = [];
  let isLate = true;
  const done = late.finally(() => {
    isLate = false;
  });
  let last = false;
  // Until well after its timeout.
  for (let round = 0; !last; round += 1) {
    last = !isLate;
    const added = await Promise.all(others.map((id, n) => add(id, [`product-${round}-${n}`])));
    statuses.push(...added.map(({ status }) => status));
    others.splice(0, others.length, ...(await Promise.all(others.map(() => open()))));
  }
  expect((await done).status).toBe(503);
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
});

describe('a line', () => {
  test("stores the product's name and price, and shows today's price beside it", async () => {
    carts.catalog.cacheControl = CONFIRM;
    const id = await open();
    const added = await add(id, ['tea']);
    expect(added.body).toMatchObject({
      items: [{ name: 'Product tea', unitPrice: usd(399), currentPrice: usd(399), available: true }],
      total: usd(399),
      catalog: 'fresh',
    });
    change('tea', { name: 'Green tea', price: usd(450) });
    expect(await read(id)).toMatchObject({
      items: [{ name: 'Product tea', unitPrice: usd(399), currentPrice: usd(450) }],
      total: usd(450),
    });
    const { rows } = await carts.database.admin.query(
      `SELECT data ->> 'unitPrice' AS price FROM event_log_events`,
    );
    expect(rows.map(({ price }) => JSON.parse(price))).toEqual([usd(399)]);
  });

  test('stays when its product is withdrawn, and can be taken out, but not added to', async () => {
    carts.catalog.cacheControl = CONFIRM;
    const id = await open();
    await add(id, ['tea', 'milk']);
    await add(id, ['tea']);
    change('tea', { withdrawn: true });
    expect(await read(id)).toMatchObject({
      items: [{ productId: 'tea', quantity: 2, currentPrice: null, available: false }, { productId: 'milk' }],
      total: usd(399),
    });
    const refused = await add(id, ['tea']);
    expect(refused).toMatchObject({ status: 422, body: { detail: expect.stringContaining('Product tea') } });
    expect((await call('PUT', `/carts/${id}/items/tea`, { body: { quantity: 3 } })).status).toBe(422);
    expect((await call('PUT', `/carts/${id}/items/tea`, { body: { quantity: 1 } })).status).toBe(200);
    expect((await call('DELETE', `/carts/${id}/items/tea`)).status).toBe(200);
  });

  test('older than stored names and prices can be shown, added to and taken out', async () => {
    const id = await open();
    await add(id, ['tea']);
    await carts.database.admin.query(
      `UPDATE carts SET state = jsonb_set(state::jsonb, '{items}',
         '[{"productId":"tea","quantity":1,"addedAt":"2026-11-01T09:30:00.000Z"}]') WHERE id = $1`,
      [id],
    );
    const line = { name: 'Product tea', unitPrice: null, currentPrice: usd(399) };
    expect(await read(id)).toMatchObject({ items: [line], total: usd(399) });
    expect((await add(id, ['tea'])).body).toMatchObject({ items: [{ quantity: 2, ...line }] });
    expect((await call('DELETE', `/carts/${id}/items/tea`)).status).toBe(200);
  });
});

describe('a product that the catalog has never known', () => {
  test('is refused by its id, with the whole request, until the catalog knows it', async () => {
    const id = await open();
    carts.catalog.cacheControl = CONFIRM;
    carts.catalog.products.set('new', null);
    const refused = await add(id, ['tea', 'new']);
    expect(refused.status).toBe(422);
    expect(refused.body.detail).toContain('no product new');
    expect(await read(id)).toMatchObject({ version: 1, items: [] });
    carts.catalog.products.delete('new');
    expect((await add(id, ['tea', 'new'])).status).toBe(200);
  });

  test('is not requested for callers that may not change the cart', async () => {
    const id = await open();
    await call('POST', `/carts/${id}/close`, { body: { reason: 'bought' } });
    expect((await add(id, ['tea'])).status).toBe(409);
    const before = carts.catalog.asked.length;
    const bob = await carts.issuer.token({ subject: 'bob', roles: ['shopper'] });
    const body = { items: [{ productId: 'milk', quantity: 1 }] };
    expect((await ask(`${service.url}/carts/${id}/items`, 'POST', { token: bob, body })).status).toBe(404);
    expect(carts.catalog.asked).toHaveLength(before);
  });
});

describe('the entity tag', () => {
  test("changes with the prices, but If-Match compares the cart's version alone", async () => {
    carts.catalog.cacheControl = CONFIRM;
    const id = await open();
    const etag = (await add(id, ['tea'])).headers.get('etag')!;
    const unchanged = () => call('GET', `/carts/${id}`, { headers: { 'if-none-match': etag } });
    expect((await unchanged()).status).toBe(304);
    change('tea', { price: usd(450) });
    const reply = await unchanged();
    expect(reply.status).toBe(200);
    expect(reply.headers.get('etag')).not.toBe(etag);
    expect((await add(id, ['tea'], { 'if-match': etag })).status).toBe(200);
  });
});

test('requests a product that many callers add at once a single time, and then not for an hour', async () => {
  const ids = await Promise.all(Array.from({ length: 20 }, open));
  const added = await Promise.all(ids.map((id) => add(id, ['tea'])));
  expect(added.every(({ status }) => status === 200)).toBe(true);
  await Promise.all(ids.map((id) => add(id, ['tea'])));
  await Promise.all(ids.map(read));
  expect(carts.catalog.asked).toEqual([['tea']]);
});

describe('while the catalog is unavailable', () => {
  test('carts are read and added to by its last answers, and say that they are stale', async () => {
    carts.catalog.cacheControl = CONFIRM;
    const id = await open();
    await add(id, ['tea']);
    await carts.catalog.stop();
    expect(await read(id)).toMatchObject({ items: [{ currentPrice: usd(399) }], catalog: 'stale' });
    expect((await add(id, ['tea'])).body).toMatchObject({ items: [{ quantity: 2 }], catalog: 'stale' });
    const readiness = async () => (await call('GET', '/health/ready')).body;
    expect(await readiness()).toMatchObject({
      ...{ ready: true, degraded: true },
      parts: { store: { ok: true }, catalog: { ok: false, detail: expect.any(String) } },
    });
    await carts.catalog.start();
    await until(async () => (await read(id)).catalog === 'fresh');
    expect(await readiness()).toMatchObject({ degraded: false, parts: { catalog: { ok: true } } });
  });

  test('a product without a recent enough answer cannot be added, and all else works', async () => {
    carts.catalog.cacheControl = 'private, max-age=0, stale-if-error=1';
    const id = await open();
    await add(id, ['tea', 'milk']);
    carts.catalog.failing = 503;
    const refused = await until(async () => {
      const reply = await add(id, ['tea']);
      return reply.status === 503 && reply;
    });
    expect(refused.headers.get('retry-after')).not.toBeNull();
    expect(refused.body.detail).toMatch(/catalog does not answer.* product tea/);
    expect(await read(id)).toMatchObject({
      items: [{ unitPrice: usd(399), currentPrice: null, available: null }, {}],
      total: null,
      catalog: 'unavailable',
    });
    expect((await call('PUT', `/carts/${id}/items/tea`, { body: { quantity: 0 } })).status).toBe(200);
    expect((await call('DELETE', `/carts/${id}/items/milk`)).status).toBe(200);
    expect((await call('POST', `/carts/${id}/close`, { body: { reason: 'abandoned' } })).status).toBe(200);
    const other = await open();
    carts.catalog.failing = undefined;
    await until(async () => (await add(other, ['tea'])).status === 200);
  });

  test('a silent catalog delays neither reading nor taking out for long', async () => {
    const silent = await openTcpProxy({ host: '127.0.0.1', port: Number(new URL(carts.catalog.url).port) });
    silent.pause();
    const id = await open();
    await add(id, ['tea']);
    const apart = await carts.start({ CATALOG_URL: `http://127.0.0.1:${silent.port}` });
    const at = `${apart.url}/carts/${id}`;
    expect(await ask(at, 'GET', { token: alice })).toMatchObject({
      status: 200,
      body: { catalog: 'unavailable' },
    });
    expect((await ask(`${at}/items/tea`, 'DELETE', { token: alice })).status).toBe(200);
    await apart.close();
    await silent.close();
  });

  test('an unreadable token counts as an unavailable catalog', async () => {
    const apart = await carts.start({ SERVICE_TOKEN_FILE: '/nowhere/token' });
    const id = await open();
    const body = { items: [{ productId: 'tea', quantity: 1 }] };
    expect((await ask(`${apart.url}/carts/${id}/items`, 'POST', { token: alice, body })).status).toBe(503);
    await apart.close();
  });
});

test('a repeated request gets the stored answer, whatever the catalog says now', async () => {
  carts.catalog.cacheControl = CONFIRM;
  const id = await open();
  const key = { 'idempotency-key': randomUUID() };
  const first = await add(id, ['tea'], key);
  change('tea', { price: usd(450) });
  const again = await add(id, ['tea'], key);
  expect([again.body, again.headers.get('etag')]).toEqual([first.body, first.headers.get('etag')]);
  carts.catalog.products.set('tea', null);
  expect((await add(id, ['tea'], key)).headers.get('idempotent-replayed')).toBe('true');
  await carts.catalog.stop();
  expect((await add(id, ['tea'], key)).body).toEqual(first.body);
});

test('measures the requests that its copies save', async () => {
  const id = await open();
  await add(id, ['tea']);
  const token = await carts.issuer.token({ subject: 'olivia', roles: ['operator'] });
  const metrics = await fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  expect(await metrics.text()).toMatch(/http_cache_origin_requests_total\{.*cache="catalog".*\} 1/);
});
