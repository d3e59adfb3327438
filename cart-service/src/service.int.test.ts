import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cartEvent } from '@micromart/contracts/cart-events';
import { FULL_PAGE_BYTES } from '@micromart/event-log/page';
import { dataBytes } from '@micromart/events/data-bytes';
import { parsePosition } from '@micromart/events/position';
import type { Running } from '@micromart/service/run';
import { freePort } from '@micromart/testing/free-port';
import { openTestIssuer } from '@micromart/testing/http';
import { openTcpProxy } from '@micromart/testing/tcp-proxy';
import { until } from '@micromart/testing/until';
import { type Asking, ask, openTestCarts, type Reply, type TestCarts } from './testing/test-carts.ts';

let carts: TestCarts;
let service: Running;
let other: Running;
let alice: string;
let bob: string;
let follower: string;
let operator: string;

beforeAll(async () => {
  carts = await openTestCarts();
  [service, other] = await Promise.all([carts.start(), carts.start()]);
  const { issuer } = carts;
  [alice, bob, follower, operator] = await Promise.all([
    issuer.token({ subject: 'alice', roles: ['shopper'] }),
    issuer.token({ subject: 'bob', roles: ['shopper'] }),
    issuer.token({ subject: 'tracking', roles: ['service'] }),
    issuer.token({ subject: 'olivia', roles: ['operator'] }),
  ]);
});

afterAll(async () => {
  await Promise.all([service.close(), other.close()]);
  await carts.close();
});

const call = (
  method: string,
  path: string,
  { token = alice, at = service.url, ...asking }: Asking & { token?: string; at?: string } = {},
): Promise<Reply> => ask(at + path, method, { token, ...asking });

const open = async (token = alice): Promise<string> => (await call('POST', '/carts', { token })).body.id;
const add = (cartId: string, items: [string, number][], headers: Record<string, string> = {}) =>
  call('POST', `/carts/${cartId}/items`, {
    body: { items: items.map(([productId, quantity]) => ({ productId, quantity })) },
    headers,
  });
const lines = ({ body }: Reply) =>
  body.items.map((line: { productId: string; quantity: number }) => [line.productId, line.quantity]);

/** All events of one cart, checked against their contract. */
async function eventsOf(cartId: string) {
  const { body: heads } = await call('GET', '/events', { token: follower });
  const partitions: { partition: number }[] = heads.partitions;
  const all = await Promise.all(partitions.map(({ partition }) => eventsIn(partition, heads.log)));
  return all
    .flat()
    .map((event) => cartEvent.parse(event))
    .filter(({ subject }) => subject === cartId);
}

/** All events of a partition, page by page. */
async function eventsIn(partition: number, log: string): Promise<unknown[]> {
  const events: unknown[] = [];
  for (;;) {
    const path = `/events/${partition}?log=${log}&after=${events.length}&limit=1000`;
    const { body } = await call('GET', path, { token: follower });
    if (body.length === 0) return events;
    events.push(...body);
  }
}

describe('a cart', () => {
  test('is opened, filled, changed and closed, and every change is an event', async () => {
    const opened = await call('POST', '/carts');
    expect(opened.status).toBe(201);
    const { id } = opened.body;
    expect(opened.headers.get('location')).toBe(`/carts/${id}`);
    expect(opened.body).toEqual({
      id,
      version: 1,
      state: 'open',
      items: [],
      total: null,
      catalog: 'fresh',
    });
    expect(opened.headers.get('position')).toBeNull();

    expect(
      lines(
        await add(id, [
          ['1', 2],
          ['2', 1],
        ]),
      ),
    ).toEqual([
      ['1', 2],
      ['2', 1],
    ]);
    expect(lines(await call('PUT', `/carts/${id}/items/1`, { body: { quantity: 5 } }))).toEqual([
      ['1', 5],
      ['2', 1],
    ]);
    expect(lines(await call('DELETE', `/carts/${id}/items/1?quantity=2`))).toEqual([
      ['1', 3],
      ['2', 1],
    ]);
    expect(lines(await call('DELETE', `/carts/${id}/items/2`))).toEqual([['1', 3]]);
    const closed = await call('POST', `/carts/${id}/close`, { body: { reason: 'bought' } });
    expect(closed.body).toMatchObject({ state: 'closed', version: 6 });
    expect((await add(id, [['3', 1]])).status).toBe(409);

    const events = await eventsOf(id);
    expect(events.map(({ type }) => type)).toEqual([
      'cart.item-added',
      'cart.item-added',
      'cart.item-added',
      'cart.item-removed',
      'cart.item-removed',
      'cart.closed',
    ]);
    const last = events.at(-1)!;
    expect(last.data).toMatchObject({
      startedAt: events[0]!.time,
      items: [{ productId: '1', quantity: 3, unitPrice: { amount: 399, currency: 'USD' } }],
    });
    expect(parsePosition(closed.headers.get('position')!)).toMatchObject([
      { partition: last.partition, sequence: Number(last.sequence) },
    ]);
  });

  test('is read with an entity tag, and not sent again to a client that has it', async () => {
    const id = await open();
    await add(id, [['1', 1]]);
    const read = await call('GET', `/carts/${id}`);
    expect(read.headers.get('cache-control')).toBe('private, no-cache');
    const etag = read.headers.get('etag')!;
    expect((await call('GET', `/carts/${id}`, { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await call('HEAD', `/carts/${id}`)).status).toBe(200);
    await add(id, [['1', 1]]);
    expect((await call('GET', `/carts/${id}`, { headers: { 'if-none-match': etag } })).status).toBe(200);
  });

  test('is the same by its id in capitals', async () => {
    const id = await open();
    const capitals = id.toUpperCase();
    expect(lines(await add(capitals, [['1', 2]]))).toEqual([['1', 2]]);
    expect((await call('GET', `/carts/${capitals}`)).body).toEqual((await call('GET', `/carts/${id}`)).body);
    expect(await eventsOf(id)).toHaveLength(1);
  });

  test('accepts a change only at the version that If-Match names', async () => {
    const id = await open();
    const { headers } = await add(id, [['1', 1]]);
    const etag = headers.get('etag')!;
    expect((await add(id, [['1', 1]], { 'if-match': etag })).status).toBe(200);
    expect((await add(id, [['1', 1]], { 'if-match': etag })).status).toBe(412);
    expect((await add(id, [['1', 1]], { 'if-match': '*' })).status).toBe(200);
    expect((await add(id, [['1', 1]], { 'if-match': 'nonsense' })).status).toBe(400);
    expect(lines(await call('GET', `/carts/${id}`))).toEqual([['1', 3]]);
  });

  test('answers a change that changes nothing with the position of its last event', async () => {
    const id = await open();
    const { headers } = await add(id, [['1', 2]]);
    const same = await call('PUT', `/carts/${id}/items/1`, { body: { quantity: 2 } });
    expect(same.body.version).toBe(2);
    expect(same.headers.get('position')).toBe(headers.get('position'));
    expect(await eventsOf(id)).toHaveLength(1);
  });

  test('loses nothing when 64 writers add to it at once through two processes', async () => {
    const id = await open();
    const replies = await Promise.all(
      Array.from({ length: 64 }, (_, n) =>
        call('POST', `/carts/${id}/items`, {
          body: { items: [{ productId: `p${n % 8}`, quantity: 1 }] },
          at: n % 2 ? service.url : other.url,
        }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
    const { body } = await call('GET', `/carts/${id}`);
    expect(body.version).toBe(65);
    expect(body.items.map(({ quantity }: { quantity: number }) => quantity)).toEqual(Array(8).fill(8));
    const events = await eventsOf(id);
    expect(events.map(({ data }) => (data as { cartVersion: number }).cartVersion)).toEqual(
      events.map((_, n) => n + 2),
    );
  });
});

describe('an Idempotency-Key', () => {
  test('brings the same answer and position again, and the change is made once', async () => {
    const id = await open();
    const headers = { 'idempotency-key': randomUUID() };
    const first = await add(id, [['1', 2]], headers);
    await add(id, [['1', 1]]);
    const again = await add(id, [['1', 2]], headers);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('position')).toBe(first.headers.get('position'));
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'));
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(lines(await call('GET', `/carts/${id}`))).toEqual([['1', 3]]);
  });

  test('is looked up before the state of the cart', async () => {
    const id = await open();
    const headers = { 'idempotency-key': randomUUID() };
    const first = await add(id, [['1', 2]], headers);
    await call('POST', `/carts/${id}/close`, { body: { reason: 'bought' } });
    expect((await add(id, [['1', 2]], headers)).body).toEqual(first.body);
  });

  test('executes a change once if its reply was cut after the commit', async () => {
    const id = await open();
    const headers = { 'idempotency-key': randomUUID() };
    const proxy = await openTcpProxy({ host: '127.0.0.1', port: Number(new URL(service.url).port) });
    proxy.cutReplies();
    await expect(
      call('POST', `/carts/${id}/items`, {
        body: { items: [{ productId: '1', quantity: 2 }] },
        headers,
        at: `http://127.0.0.1:${proxy.port}`,
      }),
    ).rejects.toThrow();
    await proxy.close();
    expect(lines(await call('GET', `/carts/${id}`))).toEqual([['1', 2]]);
    const again = await add(id, [['1', 2]], headers);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.body).toMatchObject({ version: 2, items: [{ productId: '1', quantity: 2 }] });
    expect(await eventsOf(id)).toHaveLength(1);
    const [position] = parsePosition(again.headers.get('position')!)!;
    expect((await eventsOf(id))[0]).toMatchObject({
      sequence: String(position!.sequence),
      partition: position!.partition,
    });
  });

  test('already used for another request is refused, whatever differs', async () => {
    const [id, second] = [await open(), await open()];
    const headers = { 'idempotency-key': randomUUID() };
    const { headers: answered } = await add(id, [['1', 2]], headers);
    expect((await add(id, [['1', 3]], headers)).status).toBe(422);
    expect((await add(second, [['1', 2]], headers)).status).toBe(422);
    expect((await add(id, [['1', 2]], { ...headers, 'if-match': answered.get('etag')! })).status).toBe(422);
    expect((await call('POST', '/carts', { headers })).status).toBe(422);
    expect(lines(await call('GET', `/carts/${id}`))).toEqual([['1', 2]]);
  });

  test.each([
    [
      'POST',
      'items',
      { items: [{ productId: '1', quantity: 1 }] },
      { items: [{ productId: '1', quantity: 2 }] },
    ],
    ['PUT', 'items/1', { quantity: 1 }, { quantity: 2 }],
    ['POST', 'close', { reason: 'bought' }, { reason: 'abandoned' }],
  ])('of %s …/%s with another body is refused', async (method, path, first, second) => {
    const id = await open();
    const ask = (body: unknown) =>
      call(method, `/carts/${id}/${path}`, { body, headers: { 'idempotency-key': `${method} ${path}` } });
    expect((await ask(first)).status).toBe(200);
    expect((await ask(second)).status).toBe(422);
    expect((await ask(first)).headers.get('idempotent-replayed')).toBe('true');
  });

  test('returns no stored answer to a request with an unexpected body', async () => {
    const id = await open();
    await add(id, [['1', 12]]);
    const ask = (method: string, path: string, body?: unknown) =>
      call(method, path, { body, headers: { 'idempotency-key': `${method} ${path}` } });
    expect((await ask('DELETE', `/carts/${id}/items/1`, { quantity: 1 })).status).toBe(400);
    expect(lines(await call('GET', `/carts/${id}`))).toEqual([['1', 12]]);
    expect((await ask('POST', '/carts', { items: [{ productId: '1', quantity: 1 }] })).status).toBe(400);
    expect((await ask('POST', '/carts')).status).toBe(201);
    expect((await ask('POST', '/carts', { items: [] })).status).toBe(400);
  });

  test('belongs to the subject that uses it', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await call('POST', '/carts', { headers });
    const second = await call('POST', '/carts', { headers, token: bob });
    expect(second.body.id).not.toBe(first.body.id);
    expect((await call('POST', '/carts', { headers })).body.id).toBe(first.body.id);
  });

  test('stores no error', async () => {
    const id = await open();
    const headers = { 'idempotency-key': randomUUID() };
    const remove = () => call('DELETE', `/carts/${id}/items/1`, { headers });
    expect((await remove()).status).toBe(404);
    await add(id, [['1', 1]]);
    expect((await remove()).status).toBe(200);
    expect((await remove()).status).toBe(200);
  });

  test('sent to two processes at once is executed once', async () => {
    const id = await open();
    const headers = { 'idempotency-key': randomUUID() };
    const send = (at: string) =>
      call('POST', `/carts/${id}/items`, { body: { items: [{ productId: '1', quantity: 1 }] }, headers, at });
    const replies = await Promise.all([send(service.url), send(other.url), send(service.url)]);
    expect(replies.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(2);
    expect(replies.every(({ status }) => status === 200 || status === 409)).toBe(true);
    expect(lines(await call('GET', `/carts/${id}`))).toEqual([['1', 1]]);
  });
});

describe('nonsense', () => {
  const product = (productId: unknown, quantity: unknown = 1) => ({ items: [{ productId, quantity }] });
  test.each<[string, unknown]>([
    ['no items', { items: [] }],
    ['no body fields', {}],
    ['an unknown field', { ...product('1'), note: 'hello' }],
    ['an unknown field of an item', { items: [{ productId: '1', quantity: 1, price: 1 }] }],
    [
      'a product twice',
      {
        items: [
          { productId: '1', quantity: 1 },
          { productId: '1', quantity: 2 },
        ],
      },
    ],
    ['101 items', { items: Array.from({ length: 101 }, (_, n) => ({ productId: `p${n}`, quantity: 1 })) }],
    ['quantity 0', product('1', 0)],
    ['quantity -1', product('1', -1)],
    ['quantity 1.5', product('1', 1.5)],
    ['quantity 1000', product('1', 1000)],
    ['quantity 1e9', product('1', 1e9)],
    ['quantity "1"', product('1', '1')],
    ['quantity null', product('1', null)],
    ['an id with a slash', product('../x')],
    ['an id with a blank', product('a b')],
    ['an empty id', product('')],
    ['the id ..', product('..')],
    ['an id of 10 kB', product('x'.repeat(10_240))],
    ['an id that is a number', product(1)],
    ['an array', []],
    ['half a JSON text', '{"items":['],
    ['a bare word', 'hello'],
  ])('in a body is refused with what is wrong: %s', async (_, body) => {
    const id = await open();
    const reply = await call('POST', `/carts/${id}/items`, { body });
    expect(reply.status).toBe(400);
    expect(reply.headers.get('content-type')).toContain('application/problem+json');
    expect(reply.body).toMatchObject({
      status: 400,
      title: expect.any(String),
      instance: `/carts/${id}/items`,
    });
    expect((await call('GET', `/carts/${id}`)).body).toMatchObject({ version: 1, items: [] });
  });

  test.each([
    ['GET', '/carts/not-a-uuid', 400],
    ['GET', `/carts/${'0'.repeat(10_240)}`, 400],
    ['GET', '/carts/%2e%2e%2fx', 400],
    ['GET', '/carts/%ff', 400],
    ['GET', '/nowhere', 404],
    ['PATCH', '/carts', 405],
    ['DELETE', '/carts/6f9619ff-8b86-4011-b42d-00c04fc964ff/items/a%20b', 400],
    ['DELETE', '/carts/6f9619ff-8b86-4011-b42d-00c04fc964ff/items/1?quantity=0', 400],
    ['DELETE', '/carts/6f9619ff-8b86-4011-b42d-00c04fc964ff/items/1?quantity=1e2', 400],
    ['DELETE', '/carts/6f9619ff-8b86-4011-b42d-00c04fc964ff/items/1?amount=1', 400],
    ['GET', '/carts/6f9619ff-8b86-4011-b42d-00c04fc964ff', 404],
  ])('in an address is refused: %s %.60s', async (method, path, status) => {
    expect((await call(method, path)).status).toBe(status);
  });

  test('of a content type or a size is refused', async () => {
    const id = await open();
    const text = { headers: { 'content-type': 'text/plain' }, body: '{"items":[]}' };
    expect((await call('POST', `/carts/${id}/items`, text)).status).toBe(415);
    const huge = { body: JSON.stringify({ items: [], filler: 'x'.repeat(110_000) }) };
    expect((await call('POST', `/carts/${id}/items`, huge)).status).toBe(413);
  });

  test('of a token is refused', async () => {
    const id = await open();
    const expired = await carts.issuer.token({ subject: 'alice', roles: ['shopper'], expiresIn: '-1h' });
    const foreign = await openTestIssuer();
    const stranger = await foreign.token({ subject: 'alice', roles: ['shopper'] });
    await foreign.close();
    for (const token of ['', 'nonsense', expired, stranger]) {
      expect((await call('GET', `/carts/${id}`, { token })).status).toBe(401);
    }
    expect((await call('GET', `/carts/${id}`, { token: follower })).status).toBe(403);
    expect((await call('GET', '/events')).status).toBe(403);
    expect((await call('DELETE', '/shoppers/bob')).status).toBe(403);
  });

  test('of ownership is answered as if the cart did not exist', async () => {
    const id = await open();
    await add(id, [['1', 1]]);
    for (const [method, path, body] of [
      ['GET', `/carts/${id}`],
      ['POST', `/carts/${id}/items`, { items: [{ productId: '1', quantity: 1 }] }],
      ['PUT', `/carts/${id}/items/1`, { quantity: 9 }],
      ['DELETE', `/carts/${id}/items/1`],
      ['POST', `/carts/${id}/close`, { reason: 'bought' }],
    ] as [string, string, unknown?][]) {
      expect((await call(method, path, { token: bob, body })).status).toBe(404);
    }
    expect((await call('GET', `/carts/${id}`)).body).toMatchObject({ version: 2, items: [{ quantity: 1 }] });
  });

  test("in a product id, such as a prototype's name, makes a product like any other", async () => {
    const id = await open();
    expect(
      lines(
        await add(id, [
          ['__proto__', 2],
          ['constructor', 1],
        ]),
      ),
    ).toEqual([
      ['__proto__', 2],
      ['constructor', 1],
    ]);
    expect(lines(await call('DELETE', `/carts/${id}/items/__proto__?quantity=1`))[0]).toEqual([
      '__proto__',
      1,
    ]);
    expect((await eventsOf(id)).map(({ data }) => (data as { productId: string }).productId)).toEqual([
      '__proto__',
      'constructor',
      '__proto__',
    ]);
  });
});

describe('forgetting a shopper', () => {
  const shopperOf = (subject: string) => carts.issuer.token({ subject, roles: ['shopper'] });
  const forget = (subject: string) => call('DELETE', `/shoppers/${subject}`, { token: operator });
  const typesOf = async (subject: string) => (await eventsOf(subject)).map(({ type }) => type);

  test('closes the open carts, unlinks the person from all of them, and publishes an event', async () => {
    const carol = await shopperOf('carol');
    const [openId, closedId] = [await open(carol), await open(carol)];
    await call('POST', `/carts/${openId}/items`, {
      token: carol,
      body: { items: [{ productId: '1', quantity: 2 }] },
    });
    await call('POST', `/carts/${closedId}/close`, { token: carol, body: { reason: 'bought' } });
    const { data } = (await eventsOf(closedId))[0]!;

    const forgotten = await forget('carol');
    expect(forgotten.status).toBe(204);
    const [added, closed] = await eventsOf(openId);
    expect(closed).toMatchObject({
      type: 'cart.closed',
      data: {
        ...{ shopper: data.shopper, reason: 'abandoned', cartVersion: 3 },
        ...{ startedAt: added!.time, items: [{ productId: '1', quantity: 2 }] },
      },
    });
    expect(await typesOf(closedId)).toEqual(['cart.closed']);
    expect(await eventsOf(data.shopper)).toMatchObject([
      { type: 'cart.shopper-forgotten', partitionkey: data.shopper, data: { shopper: data.shopper } },
    ]);
    expect(parsePosition(forgotten.headers.get('position')!)).toHaveLength(1);
    for (const id of [openId, closedId]) {
      expect((await call('GET', `/carts/${id}`, { token: carol })).status).toBe(404);
    }
    expect((await forget('carol')).status).toBe(404);

    const { rows } = await carts.database.admin.query('SELECT state FROM carts WHERE shopper = $1', [
      data.shopper,
    ]);
    expect(rows.map(({ state }) => [state.state, state.owner])).toEqual([
      ['closed', null],
      ['closed', null],
    ]);
    const again = await open(carol);
    await call('POST', `/carts/${again}/close`, { token: carol, body: { reason: 'abandoned' } });
    const fresh = (await eventsOf(again))[0]!;
    expect(fresh.data.shopper).not.toBe(data.shopper);
  });

  test('closes more carts than one batch, each with one event, before the last event', async () => {
    const erin = await shopperOf('erin');
    const ids = await Promise.all(Array.from({ length: 230 }, () => open(erin)));
    expect((await forget('erin')).status).toBe(204);
    const { rows } = await carts.database.admin.query<{ subject: string; n: number }>(
      `SELECT subject, count(*) AS n FROM event_log_events WHERE subject = ANY ($1) AND type = 'cart.closed'
       GROUP BY subject`,
      [ids],
    );
    expect(rows.map(({ n }) => n)).toEqual(ids.map(() => 1));
  });

  test('continues where it was interrupted', async () => {
    const frank = await shopperOf('frank');
    const ids = [await open(frank), await open(frank)];
    const { admin } = carts.database;
    await admin.query(`CREATE FUNCTION stop_here() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE admin_shutdown; END $$`);
    await admin.query(
      'CREATE TRIGGER stop_here BEFORE DELETE ON shoppers FOR EACH ROW EXECUTE FUNCTION stop_here()',
    );
    expect((await forget('frank')).status).toBe(503);
    const { rows } = await admin.query<{ key: string }>("SELECT key FROM shoppers WHERE subject = 'frank'");
    expect(await typesOf(rows[0]!.key)).toEqual([]);
    await admin.query('DROP FUNCTION stop_here CASCADE');
    expect((await forget('frank')).status).toBe(204);
    for (const id of ids) expect(await typesOf(id)).toEqual(['cart.closed']);
    expect(await typesOf(rows[0]!.key)).toEqual(['cart.shopper-forgotten']);
  });

  test('makes a new cart wait, and refuses it if that takes long', async () => {
    const grace = await shopperOf('grace');
    await open(grace);
    const { admin } = carts.database;
    await admin.query("UPDATE shoppers SET leaving_since = now() WHERE subject = 'grace'");
    expect(await call('POST', '/carts', { token: grace })).toMatchObject({ status: 409 });
    await admin.query(
      "UPDATE shoppers SET leaving_since = now() - interval '2 minutes' WHERE subject = 'grace'",
    );
    expect(await call('POST', '/carts', { token: grace })).toMatchObject({ status: 201 });
  });

  test('in a tight loop while carts are opened causes no 500, and leaves no owned cart', async () => {
    const subjects = ['heidi', 'ivan'];
    const tokens = await Promise.all(subjects.map(shopperOf));
    await Promise.all(tokens.map((token) => open(token)));
    let isOpening = true;
    const forgets = subjects.flatMap((subject) =>
      [service.url, other.url].map(async (at) => {
        const statuses: number[] = [];
        while (isOpening)
          statuses.push((await call('DELETE', `/shoppers/${subject}`, { token: operator, at })).status);
        return statuses;
      }),
    );
    const opened: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const replies = await Promise.all(
        Array.from({ length: 32 }, (_, n) =>
          call('POST', '/carts', { token: tokens[n % 2]!, at: n % 3 ? service.url : other.url }),
        ),
      );
      opened.push(...replies.map(({ status }) => status));
    }
    isOpening = false;
    const forgotten = (await Promise.all(forgets)).flat();
    expect(opened.filter((status) => ![201, 409, 503].includes(status))).toEqual([]);
    expect(opened).toContain(201);
    expect(forgotten.filter((status) => ![204, 404, 409, 503].includes(status))).toEqual([]);
    expect(forgotten).toContain(204);
    for (const subject of subjects) await forget(subject);
    const { rows } = await carts.database.admin.query(
      `SELECT state FROM carts WHERE state ->> 'owner' = ANY ($1) OR (state ->> 'state' = 'open' AND state ->> 'owner' IS NULL)`,
      [subjects],
    );
    expect(rows).toEqual([]);
    const { rows: early } = await carts.database.admin.query(
      `SELECT c.id FROM carts c WHERE NOT EXISTS (
         SELECT FROM event_log_events e WHERE e.subject = c.id AND e.type = 'cart.closed')
       AND c.state ->> 'state' = 'closed'`,
    );
    expect(early).toEqual([]);
  });

  test('while carts are opened leaves no owned cart', async () => {
    const dave = await carts.issuer.token({ subject: 'dave', roles: ['shopper'] });
    for (let round = 0; round < 5; round += 1) {
      await open(dave);
      const [forgotten, ...opened] = await Promise.all([
        call('DELETE', '/shoppers/dave', { token: operator }),
        ...Array.from({ length: 8 }, (_, n) =>
          call('POST', '/carts', { token: dave, at: n % 2 ? service.url : other.url }),
        ),
      ]);
      expect(forgotten!.status).toBe(204);
      expect(opened.every(({ status }) => status === 201)).toBe(true);
    }
    const { rows } = await carts.database.admin.query(
      'SELECT id FROM carts WHERE open_for IS NOT NULL AND open_for NOT IN (SELECT key FROM shoppers)',
    );
    expect(rows).toEqual([]);
  });
});

describe('the feed', () => {
  test('returns pages in order; a full one is immutable and named by its log', async () => {
    const id = await open();
    for (let n = 0; n < 5; n += 1) await add(id, [['1', 1]]);
    const { body: heads } = await call('GET', '/events', { token: follower });
    const { partition, sequence } = (await eventsOf(id))[0]!;
    const path = `/events/${partition}?log=${heads.log}&after=${Number(sequence) - 1}&limit=3`;
    const page = await call('GET', path, { token: follower });
    expect(page.headers.get('content-type')).toContain('application/cloudevents-batch+json');
    expect(page.headers.get('cache-control')).toContain('immutable');
    expect(page.body.map((event: { sequence: string }) => Number(event.sequence))).toEqual([
      Number(sequence),
      Number(sequence) + 1,
      Number(sequence) + 2,
    ]);
    const held = { 'if-none-match': page.headers.get('etag')! };
    expect((await call('GET', path, { token: follower, headers: held })).status).toBe(304);
    const partial = await call('GET', path.replace('limit=3', 'limit=1000'), { token: follower });
    expect(partial.headers.get('cache-control')).toContain('no-cache');
  });

  test('ends a page of large events with the one that fills it, and that page is immutable too', async () => {
    const id = await open();
    const productIds = Array.from({ length: 500 }, (_, n) => String(n).padStart(64, 'p'));
    for (let n = 0; n < 500; n += 100)
      expect(
        (
          await add(
            id,
            productIds.slice(n, n + 100).map((productId) => [productId, 999]),
          )
        ).status,
      ).toBe(200);
    await call('POST', `/carts/${id}/close`, { body: { reason: 'bought' } });
    const events = await eventsOf(id);
    const { partition, sequence, data } = events.at(-1)!;
    expect(data).toMatchObject({ items: productIds.map((productId) => ({ productId, quantity: 999 })) });
    const copies = 20;
    await carts.database.admin.query(
      `WITH head AS (UPDATE event_log_heads SET last = last + $3 WHERE partition = $1 RETURNING last - $3 AS since)
       INSERT INTO event_log_events (partition, sequence, id, type, subject, key, time, data)
       SELECT partition, since + n, gen_random_uuid(), type, 'copy', key, time, data
       FROM head, event_log_events, generate_series(1, $3::int) n WHERE partition = $1 AND sequence = $2`,
      [partition, sequence, copies],
    );
    const { body: heads } = await call('GET', '/events', { token: follower });
    const pathAfter = (after: number, limit: number) =>
      `/events/${partition}?log=${heads.log}&after=${after}&limit=${limit}`;
    const read = (path: string, etag?: string | null) =>
      call('GET', path, { token: follower, headers: etag ? { 'if-none-match': etag } : {} });
    const large = pathAfter(Number(sequence), 1_000);
    const page = await read(large);
    const held: number = page.body.length;
    const bytes = held * dataBytes(data);
    expect([held < copies, bytes >= FULL_PAGE_BYTES, bytes - dataBytes(data) < FULL_PAGE_BYTES]).toEqual([
      true,
      true,
      true,
    ]);
    expect(page.headers.get('cache-control')).toContain('immutable');
    const etag = page.headers.get('etag');
    expect(await read(large, etag)).toMatchObject({ status: 304 });
    // The same events are the same page, whatever was asked for; others are not.
    expect((await read(pathAfter(Number(sequence), held))).headers.get('etag')).toBe(etag);
    const few = await read(pathAfter(Number(sequence), 2));
    expect((await read(large, few.headers.get('etag'))).body).toEqual(page.body);
    const rest = await read(pathAfter(Number(sequence) + held, 1_000));
    expect(rest.body).toHaveLength(copies - held);
    expect(rest.headers.get('cache-control')).toContain('no-cache');
  });

  test('refuses another log and a position beyond its end as source-replaced', async () => {
    const { body: heads } = await call('GET', '/events', { token: follower });
    const beyond = await call('GET', `/events/0?log=${heads.log}&after=999999`, { token: follower });
    expect(beyond).toMatchObject({ status: 409, body: { type: '/problems/source-replaced' } });
    const replaced = await call('GET', '/events/0?log=cart-00000000', { token: follower });
    expect(replaced).toMatchObject({ status: 409, body: { type: '/problems/source-replaced' } });
    expect((await call('GET', '/events/16', { token: follower })).status).toBe(404);
  });

  test('sends new events with the heads to a follower that is close behind', async () => {
    const id = await open();
    const { body: before } = await call('GET', '/events', { token: follower });
    await add(id, [
      ['1', 1],
      ['2', 1],
    ]);
    const after = before.partitions
      .map(({ partition, last }: { partition: number; last: number }) => `${partition}@${last}`)
      .join(',');
    const { body } = await call('GET', `/events?after=${after}&wait=5&events=1000`, { token: follower });
    expect(body.events).toEqual(await eventsOf(id));
    const few = await call('GET', `/events?after=0@0&events=1`, { token: follower });
    expect(few.body.events.length).toBeLessThanOrEqual(1);
  });

  test('holds a request for the heads until a partition has moved, whichever process moved it', async () => {
    const id = await open();
    await add(id, [['1', 1]]);
    const headsNow = async (query = '') => (await call('GET', `/events${query}`, { token: follower })).body;
    for (const at of [service.url, other.url]) {
      const before = await headsNow();
      const after = before.partitions
        .map(({ partition, last }: { partition: number; last: number }) => `${partition}@${last}`)
        .join(',');
      const held = headsNow(`?after=${after}&wait=20`);
      await call('PUT', `/carts/${id}/items/1`, {
        body: { quantity: Math.ceil(Math.random() * 998) + 1 },
        at,
      });
      const moved = await held;
      expect(moved.partitions).not.toEqual(before.partitions);
      expect(Date.parse(moved.at)).toBeGreaterThanOrEqual(Date.parse(before.at));
    }
    expect((await call('GET', '/events?after=nonsense', { token: follower })).status).toBe(400);
  });
});

test('serves its health and its documents to anybody', async () => {
  expect((await call('GET', '/health/live', { token: '' })).status).toBe(200);
  expect((await call('GET', '/health/ready', { token: '' })).status).toBe(200);
  expect((await call('GET', '/asyncapi.json', { token: '' })).body).toMatchObject({ asyncapi: '3.0.0' });
  expect((await call('GET', '/openapi.json', { token: '' })).body.openapi).toMatch(/^3\.1\./);
});

test('reports stuck writes, answers them 503, and still closes in order', async () => {
  const stuck = await carts.start();
  const holder = await carts.database.admin.connect();
  await holder.query('BEGIN');
  await holder.query('LOCK TABLE carts IN EXCLUSIVE MODE');
  const refused = await call('POST', '/carts', { at: stuck.url });
  expect(refused).toMatchObject({ status: 503, body: { title: expect.any(String) } });
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await call('GET', '/health/ready', { at: stuck.url, token: '' })).toMatchObject({
    status: 200,
    body: { ready: true, degraded: true, parts: { store: { ok: true }, writes: { ok: false } } },
  });
  const waiting = call('POST', '/carts', { at: stuck.url });
  await until(async () => {
    const { rowCount } = await carts.database.admin.query(
      `SELECT 1 FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'cart-service' AND wait_event_type = 'Lock'`,
    );
    return rowCount;
  });
  await Promise.all([stuck.close(), waiting.catch(() => {})]);
  await holder.query('ROLLBACK');
  holder.release();
});

test('answers writes 503 while the disk is full, reports it in readiness, and continues when space is freed', async () => {
  const full = await carts.start();
  const readiness = async () => (await call('GET', '/health/ready', { at: full.url, token: '' })).body;
  await carts.database.admin.query(`CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE disk_full; END $$;
    CREATE TRIGGER disk_full BEFORE INSERT ON carts FOR EACH ROW EXECUTE FUNCTION disk_full()`);
  try {
    expect((await call('POST', '/carts', { at: full.url })).status).toBe(503);
    expect(await readiness()).toMatchObject({
      ...{ ready: true, degraded: true },
      parts: { store: { ok: true }, writes: { ok: false, detail: expect.stringContaining('full') } },
    });
  } finally {
    await carts.database.admin.query('DROP FUNCTION disk_full CASCADE');
  }
  expect((await call('POST', '/carts', { at: full.url })).status).toBe(201);
  expect(await readiness()).toMatchObject({ degraded: false, parts: { writes: { ok: true } } });
  await full.close();
});

test('works without the Kafka that it should publish to, and says that it is degraded', async () => {
  const broker = `127.0.0.1:${await freePort()}`;
  const degraded = await carts.start({ KAFKA_PUBLISH_URL: `kafka://${broker}/cart-events` });
  try {
    const readiness = async () => (await call('GET', '/health/ready', { token: '', at: degraded.url })).body;
    await until(async () => (await readiness()).degraded);
    const detail = `no broker answers at ${broker}`;
    expect(await readiness()).toMatchObject({ ready: true, parts: { kafka: { ok: false, detail } } });
    expect((await call('POST', '/carts', { at: degraded.url })).status).toBe(201);
  } finally {
    await degraded.close();
  }
});
