import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '@micromart/testing/until';
import { type Ask, openShop, type Shop } from './testing/shop.ts';

let shop: Shop;
let services: Awaited<ReturnType<Shop['startCart']>>[];
let alice: Ask;

beforeAll(async () => {
  shop = await openShop();
  services = await Promise.all([shop.startCart(), shop.startTracking()]);
  alice = await shop.shopper('alice');
});

afterAll(() => shop.close());

const openCart = async (ask = alice): Promise<string> => (await ask('POST', '/carts')).body.id;

const add = (cartId: string, productId: string, quantity = 1, ask = alice) =>
  ask('POST', `/carts/${cartId}/items`, { body: { items: [{ productId, quantity }] } });

const consistentWith = (position: string | null) => ({
  headers: { 'consistent-with': position!, prefer: 'wait=20' },
});

const counts = (productId: string, position: string | null) =>
  shop.business('GET', `/products/${productId}/counts`, consistentWith(position));

describe('a click becomes a count', () => {
  test('which an answer that is consistent with the click includes', async () => {
    const cart = await openCart();
    const added = await add(cart, 'tea', 3);
    const first = await counts('tea', added.headers.get('position'));
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({
      productId: 'tea',
      added: 1,
      removed: 0,
      unitsAdded: 3,
      unitsRemoved: 0,
    });
    expect(first.headers.get('position')).toContain(added.headers.get('position')!.split('@')[0]);

    const removed = await alice('DELETE', `/carts/${cart}/items/tea?quantity=2`);
    expect((await counts('tea', removed.headers.get('position'))).body).toMatchObject({
      added: 1,
      removed: 1,
      unitsAdded: 3,
      unitsRemoved: 2,
    });
  });

  test('for every write, at once, while many write', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const cart = await openCart();
        const { headers } = await add(cart, `many-${n % 4}`, 2);
        return counts(`many-${n % 4}`, headers.get('position'));
      }),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(Math.max(...answers.map(({ body }) => body.added))).toBe(10);
  });

  test('also for a product called __proto__', async () => {
    const cart = await openCart();
    const { headers } = await add(cart, '__proto__', 7);
    expect((await counts('__proto__', headers.get('position'))).body).toMatchObject({
      added: 1,
      unitsAdded: 7,
    });
  });

  test('and a product that was never seen answers zeros', async () => {
    const { status, body, headers } = await shop.business('GET', '/products/never-seen/counts');
    expect(status).toBe(200);
    expect(body).toEqual({
      productId: 'never-seen',
      added: 0,
      removed: 0,
      unitsAdded: 0,
      unitsRemoved: 0,
      bought: 0,
      unitsBought: 0,
      abandoned: 0,
      unitsAbandoned: 0,
      boughtSince: '1970-01-01T00:00:00.000Z',
      asOf: headers.get('as-of'),
    });
  });
});

describe('the list of products', () => {
  test('is sorted, paged without gap or repetition, and says how fresh it is', async () => {
    const cart = await openCart();
    let last = '';
    for (let n = 1; n <= 5; n += 1) {
      for (let times = 0; times < n; times += 1) {
        last = (await add(cart, `list-${n}`)).headers.get('position')!;
      }
    }
    const seen: { productId: string; added: number }[] = [];
    let cursor = '';
    do {
      const { body, headers } = await shop.business(
        'GET',
        `/products?sort=-added&limit=2${cursor}`,
        consistentWith(last),
      );
      expect(headers.get('as-of')).toMatch(/Z$/);
      seen.push(...body.items);
      cursor = body.next ? `&cursor=${body.next}` : '';
    } while (cursor);
    expect(new Set(seen.map(({ productId }) => productId)).size).toBe(seen.length);
    expect(seen.map(({ added }) => added)).toEqual(seen.map(({ added }) => added).toSorted((a, b) => b - a));
    const listed = seen.filter(({ productId }) => productId.startsWith('list-'));
    expect(listed.map(({ productId }) => productId)).toEqual([
      'list-5',
      'list-4',
      'list-3',
      'list-2',
      'list-1',
    ]);
  });

  test('of a window says which window it really covers', async () => {
    const from = new Date(Date.now() - 90 * 60_000).toISOString();
    const { body } = await shop.business('GET', `/products?from=${from}`);
    expect(Date.parse(body.from)).toBeLessThanOrEqual(Date.parse(from));
    expect(body.items.length).toBeGreaterThan(0);
    const past = '/products?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z';
    expect((await shop.business('GET', past)).body).toMatchObject({
      items: [],
      next: null,
      from: '2020-01-01T00:00:00.000Z',
      to: '2020-02-01T00:00:00.000Z',
    });
  });

  test.each([
    '/products?sort=price',
    '/products?limit=0',
    '/products?limit=1001',
    '/products?limit=ten',
    '/products?cursor=nonsense',
    '/products?from=yesterday',
    '/products?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z',
    '/products?minAdded=-1',
    '/products?colour=red',
    '/products/a%20b/counts',
    `/products/${'x'.repeat(65)}/counts`,
    '/products/tea/counts?asOf=1',
  ])('refuses nonsense: %.60s', async (path) => {
    const { status, headers, body } = await shop.business('GET', path);
    expect(status).toBe(400);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(body.title).toBeDefined();
  });

  test('refuses a cursor of another list', async () => {
    const { body } = await shop.business('GET', '/products?sort=-added&limit=1');
    expect((await shop.business('GET', `/products?sort=removed&limit=1&cursor=${body.next}`)).status).toBe(
      400,
    );
  });
});

describe('a token', () => {
  test('of a position not yet in the log gets the lag as its answer when the wait is over', async () => {
    const { headers } = await add(await openCart(), 'token');
    const [log] = headers.get('position')!.split('/') as [string];
    const ahead = { headers: { 'consistent-with': `${log}/0@999999` } };
    const reply = await shop.business('GET', '/products/token/counts', ahead);
    expect(reply).toMatchObject({ status: 503, body: { type: '/problems/not-yet-consistent' } });
    expect(reply.body.detail).toMatch(/behind|\d/);
    expect(reply.headers.get('retry-after')).not.toBeNull();
  });

  test('of another log is a conflict, and nonsense is not valid', async () => {
    for (const [token, status] of [
      ['cart-00000000/0@1', 409],
      ['nonsense', 400],
      ['cart-00000000/0@-1', 400],
    ] as const) {
      const options = { headers: { 'consistent-with': token } };
      expect((await shop.business('GET', '/products/token/counts', options)).status).toBe(status);
    }
  });
});

describe('roles', () => {
  test('keep shoppers from the counters and business users from operating', async () => {
    expect((await shop.operator('GET', '/products')).status).toBe(403);
    expect((await shop.business('GET', '/subscriptions')).status).toBe(403);
    expect((await shop.business('POST', '/subscriptions/cart-events/pause')).status).toBe(403);
  });
});

describe('an operator', () => {
  test('sees how far the subscription is, pauses it and resumes it, and nothing is lost', async () => {
    const cart = await openCart();
    await add(cart, 'paused');
    await until(async () => (await shop.operator('GET', '/subscriptions')).body.items[0].lagEvents === 0);
    expect((await shop.operator('POST', '/subscriptions/cart-events/pause')).status).toBe(200);
    const { headers } = await add(cart, 'paused');
    const position = headers.get('position');
    const waiting = await shop.business('GET', '/products/paused/counts', {
      headers: { 'consistent-with': position! },
    });
    expect(waiting.status).toBe(503);
    const { body } = await shop.operator('GET', '/subscriptions');
    expect(body.items).toMatchObject([{ name: 'cart-events', state: 'paused' }]);
    const now = new Date().toISOString();
    const past = await shop.business('GET', `/products/paused/counts?asOf=${now}`);
    expect(past.body.asOf <= past.headers.get('as-of')!).toBe(true);
    for (const window of [`to=${now}`, `from=2026-01-01T00:00:00Z`, `from=${now}&to=${now}`]) {
      const list = await shop.business('GET', `/products?${window}`);
      expect(list.body.to <= list.headers.get('as-of')!).toBe(true);
    }
    expect((await shop.operator('POST', '/subscriptions/cart-events/resume')).status).toBe(200);
    expect((await counts('paused', position)).body).toMatchObject({ added: 2 });
  });
});

test('the metrics show that nothing is overdue to be swept', async () => {
  const texts = services.map(async ({ url }) => (await fetch(`${url}/metrics`)).text());
  const [cart, tracking] = await Promise.all(texts);
  expect(cart).toMatch(/^sweep_overdue_seconds\{.*table="idempotency_keys".*\} 0$/m);
  expect(tracking).toMatch(/^sweep_overdue_seconds\{.*table="counts_by_minute".*\} 0$/m);
});

test('the counters equal a recount of the whole log, product by product', async () => {
  const { rows } = await shop.cartDatabase.admin.query(
    `SELECT data ->> 'productId' AS id, count(*) FILTER (WHERE type = 'cart.item-added') AS added,
       count(*) FILTER (WHERE type = 'cart.item-removed') AS removed
     FROM event_log_events WHERE data ->> 'productId' IS NOT NULL GROUP BY 1`,
  );
  await until(async () => (await shop.operator('GET', '/subscriptions')).body.items[0].lagEvents === 0);
  const { body } = await shop.business('GET', '/products?limit=1000');
  expect(new Map(body.items.map((one: { productId: string }) => [one.productId, one]))).toEqual(
    new Map(rows.map(({ id, ...row }) => [id, expect.objectContaining(row)])),
  );
});
