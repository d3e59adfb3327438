/**
 * Every precondition of RFC 9110 (13.1), on every route of every service: it is honoured, in the order of 13.2.2, or refused,
 * and ignored only where the RFC says so. The routes come from the documents: a new one that can succeed here needs a line
 * in `REQUESTS` below.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '@micromart/testing/until';
import { type AllServices, openAllServices, type Reply } from './testing/all-services.ts';
import { nameOf, type Operation, pathOf } from './testing/operations.ts';

type Prepared = { readonly path: string; readonly body?: unknown };

const NEVER = '"never"';
const JSON_TYPE = { 'content-type': 'application/json' };
const TEA = { name: 'Tea', price: { amount: 399, currency: 'USD' } };
const CARTS = { service: 'cart-service', roles: ['shopper'] } as const;
const TRACKING = { service: 'shopper-tracking-service', roles: ['operator'] } as const;
const CATALOG = { service: 'catalog-service', roles: ['catalog'] } as const;

let all: AllServices;

beforeAll(async () => {
  all = await openAllServices();
  for (const id of ['tea', 'coffee']) await sell(id);
}, 120_000);

afterAll(() => all?.close());

const write = (
  to: Pick<Operation, 'service' | 'roles'>,
  method: string,
  path: string,
  body?: unknown,
  headers = {},
) =>
  all.ask(to, {
    method,
    path,
    headers: { ...(body !== undefined && JSON_TYPE), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });

/** The job of an accepted write to the catalog, once it has ended. */
async function ended({ status, headers }: Reply) {
  expect(status).toBe(202);
  const path = headers.location as string;
  return until(async () => {
    const { body } = await all.ask(CATALOG, { method: 'GET', path });
    return body.finishedAt && body;
  });
}

async function sell(id: string): Promise<void> {
  const job = await ended(
    await write(CATALOG, 'PUT', `/products/${id}`, { ...TEA, name: `${id} ${Math.random()}` }),
  );
  expect(job.result).toBe('applied');
}

/** A new cart with this line. */
async function cartWith(productId: string): Promise<{ id: string; etag: string }> {
  const opened = await write(CARTS, 'POST', '/carts');
  const added = await write(CARTS, 'POST', `/carts/${opened.body.id}/items`, {
    items: [{ productId, quantity: 2 }],
  });
  expect(added.status).toBe(200);
  return { id: opened.body.id, etag: added.headers.etag! };
}

const anImport = () => write(CATALOG, 'POST', '/imports', { url: 'https://feeds.example/' });

/** Drops every generation that is not live, for a rebuild is refused beside an unfinished one. */
async function aRebuild(): Promise<Prepared> {
  const path = '/rebuilds';
  const others = async (): Promise<{ id: string }[]> => {
    const { body } = await all.ask(TRACKING, { method: 'GET', path });
    return body.items.filter((one: { live: boolean; state: string }) => !one.live && one.state !== 'dropped');
  };
  for (const { id } of await others()) await write(TRACKING, 'DELETE', `${path}/${encodeURIComponent(id)}`);
  await until(async () => (await others()).length === 0);
  return { path };
}

/** A request that would succeed, or would be accepted, for each route that needs existing data. */
const REQUESTS: Readonly<Record<string, () => Promise<Prepared>>> = {
  'GET /carts/{cartId}': async () => ({ path: `/carts/${(await cartWith('tea')).id}` }),
  'POST /carts/{cartId}/items': async () => ({
    path: `/carts/${(await cartWith('tea')).id}/items`,
    body: { items: [{ productId: 'coffee', quantity: 1 }] },
  }),
  'PUT /carts/{cartId}/items/{productId}': async () => ({
    path: `/carts/${(await cartWith('tea')).id}/items/tea`,
    body: { quantity: 7 },
  }),
  'DELETE /carts/{cartId}/items/{productId}': async () => ({
    path: `/carts/${(await cartWith('tea')).id}/items/tea`,
  }),
  'POST /carts/{cartId}/close': async () => ({
    path: `/carts/${(await cartWith('tea')).id}/close`,
    body: { reason: 'bought' },
  }),
  'DELETE /shoppers/{subject}': async () => {
    await cartWith('tea');
    return { path: '/shoppers/some-shopper' };
  },
  'GET /products/{id}': async () => ({ path: '/products/tea' }),
  'PUT /products/{id}': async () => ({
    path: '/products/tea',
    body: { ...TEA, size: String(Math.random()) },
  }),
  'DELETE /products/{id}': async () => {
    await sell('old');
    return { path: '/products/old' };
  },
  'POST /imports': async () => ({ path: '/imports', body: { url: 'https://feeds.example/' } }),
  'GET /jobs/{jobId}': async () => ({ path: (await anImport()).headers.location as string }),
  'DELETE /jobs/{jobId}': async () => ({ path: (await anImport()).headers.location as string }),
  'POST /rebuilds': aRebuild,
  'POST /subscriptions/{name}/pause': async () => ({ path: '/subscriptions/cart-events/pause' }),
  'POST /subscriptions/{name}/resume': async () => ({ path: '/subscriptions/cart-events/resume' }),
};

const prepare = async (operation: Operation): Promise<Prepared> =>
  (await REQUESTS[`${operation.method} ${operation.path}`]?.()) ?? { path: pathOf(operation) };

/** The subject that a route needs: only a cart's shopper may use it. */
const askWith = (
  operation: Operation,
  { path, body }: Prepared,
  headers: object,
  method = operation.method,
) => write(operation, method, path, body, headers);

const unsafe = () => all.operations.filter(({ method }) => method !== 'GET');
const isDeclared = (operation: Operation, name: string) =>
  operation.parameters.some((one) => one.in === 'header' && one.name === name);

describe('a write', () => {
  test('has its preconditions honoured by these routes, and no others', () => {
    const honouring = unsafe().filter((operation) => isDeclared(operation, 'If-Match'));
    expect(honouring.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      'DELETE /carts/{cartId}/items/{productId}',
      'DELETE /products/{id}',
      'POST /carts/{cartId}/close',
      'POST /carts/{cartId}/items',
      'PUT /carts/{cartId}/items/{productId}',
      'PUT /products/{id}',
    ]);
    expect(unsafe().filter((operation) => isDeclared(operation, 'If-None-Match'))).toEqual(honouring);
  });

  test.each([
    ['If-Match', NEVER, 412],
    ['If-Match', `"other" , , W/${NEVER}`, 412],
    ['If-None-Match', '*', 412],
    ['If-Match', 'never', 400],
    ['If-None-Match', 'never', 400],
    ['If-Match', `${NEVER} ${NEVER}`, 400],
    ['If-Match', '', 400],
  ])('with %s: %s changes nothing', async (name, value, honoured) => {
    for (const operation of unsafe()) {
      const request = await prepare(operation);
      const reply = await askWith(operation, request, { [name]: value });
      const expected = isDeclared(operation, name) ? honoured : 400;
      if (expected === 412 && reply.status === 202) {
        const { state, error } = await ended(reply);
        expect([nameOf(operation), state, error.code]).toEqual([
          nameOf(operation),
          'failed',
          'precondition-failed',
        ]);
      } else {
        expect([nameOf(operation), reply.status]).toEqual([nameOf(operation), expected]);
      }
    }
  });

  test.each([
    ['If-Unmodified-Since', 'Thu, 01 Jan 1970 00:00:00 GMT'],
    ['If-Modified-Since', 'Fri, 01 Jan 2100 00:00:00 GMT'],
    ['If-Range', NEVER],
    ['Range', 'bytes=0-0'],
  ])(
    'with %s is executed: no resource here has a modification date or ranges (13.1.3 to 13.1.5, 14.2)',
    async (name, value) => {
      for (const operation of unsafe()) {
        const reply = await askWith(operation, await prepare(operation), { [name]: value });
        const plain = await askWith(operation, await prepare(operation), {});
        // A job may end before it is cancelled, which is a conflict, whatever the precondition.
        const either = operation.path === '/jobs/{jobId}' ? [202, 409] : [plain.status];
        expect([nameOf(operation), either]).toEqual([
          nameOf(operation),
          expect.arrayContaining([reply.status]),
        ]);
      }
    },
  );
});

describe('a read', () => {
  const CASES: readonly (readonly [
    string,
    (etag: string | undefined) => Record<string, string> | undefined,
    number,
  ])[] = [
    ['none', () => ({}), 200],
    ['If-Match that fails', () => ({ 'if-match': NEVER }), 412],
    ['If-Match: *', () => ({ 'if-match': '*' }), 200],
    ['If-Match of the tag', (etag) => (etag === undefined ? undefined : { 'if-match': `"x", ${etag}` }), 200],
    [
      'If-Match of the tag as a weak one',
      (etag) => (etag === undefined ? undefined : { 'if-match': `W/${etag}` }),
      412,
    ],
    ['If-None-Match: *', () => ({ 'if-none-match': '*' }), 304],
    [
      'If-None-Match of the tag',
      (etag) => (etag === undefined ? undefined : { 'if-none-match': `, "x" ,${etag}` }),
      304,
    ],
    [
      'If-None-Match of the tag as a weak one',
      (etag) => (etag === undefined ? undefined : { 'if-none-match': `W/${etag}` }),
      304,
    ],
    ['If-None-Match of another', () => ({ 'if-none-match': NEVER }), 200],
    ['both, If-Match first', (etag) => ({ 'if-match': NEVER, 'if-none-match': etag ?? '*' }), 412],
    ['both, If-None-Match after it', (etag) => ({ 'if-match': '*', 'if-none-match': etag ?? '*' }), 304],
    ['If-Match that is none', () => ({ 'if-match': 'tag' }), 400],
    ['If-None-Match that is none', () => ({ 'if-none-match': 'W/*' }), 400],
    ['If-Modified-Since', () => ({ 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' }), 200],
    ['If-Unmodified-Since', () => ({ 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }), 200],
    [
      'If-None-Match before If-Modified-Since',
      () => ({ 'if-none-match': NEVER, 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' }),
      200,
    ],
    ['Range', () => ({ range: 'bytes=0-0' }), 200],
    ['If-Range', (etag) => ({ range: 'bytes=0-0', 'if-range': etag ?? NEVER }), 200],
  ];

  test('is answered as RFC 9110 says, on every route, with GET and with HEAD', async () => {
    // A stream of events has no representation that a tag could name: its route refuses preconditions.
    const isStream = ({ responses }: Operation) => 'text/event-stream' in (responses['200']?.content ?? {});
    for (const operation of all.operations.filter((one) => one.method === 'GET' && !isStream(one))) {
      const request = await prepare(operation);
      const plain = await askWith(operation, request, {});
      for (const method of ['GET', 'HEAD']) {
        for (const [name, headersFor, status] of CASES) {
          const headers = headersFor(plain.headers.etag);
          if (!headers) continue;
          const reply = await askWith(operation, request, headers, method);
          // If the read would not succeed anyway, preconditions are ignored (13.2.1), but malformed ones are refused.
          const expected = plain.status === 200 || status === 400 ? status : plain.status;
          expect([nameOf(operation), method, name, reply.status]).toEqual([
            nameOf(operation),
            method,
            name,
            expected,
          ]);
          if (status === 304 && expected === 304) {
            expect(reply.headers.etag).toBe(plain.headers.etag);
            expect(reply.headers['content-type']).toBeUndefined();
          }
        }
      }
    }
  });
});

describe('a line of a cart', () => {
  test.each([
    ['PUT', 'tea', { 'if-none-match': '*' }, 412],
    ['PUT', 'coffee', { 'if-none-match': '*' }, 200],
    ['PUT', 'tea', { 'if-match': '*' }, 200],
    ['PUT', 'coffee', { 'if-match': '*' }, 412],
    ['DELETE', 'tea', { 'if-match': '*' }, 200],
    ['DELETE', 'tea', { 'if-none-match': '*' }, 412],
    ['DELETE', 'coffee', { 'if-match': '*' }, 404],
    ['DELETE', 'coffee', { 'if-match': NEVER }, 404],
  ])('%s of %s with %j is answered %i', async (method, productId, headers, status) => {
    const { id } = await cartWith('tea');
    const body = method === 'PUT' ? { quantity: 5 } : undefined;
    expect((await write(CARTS, method, `/carts/${id}/items/${productId}`, body, headers)).status).toBe(
      status,
    );
  });

  test('is changed only if the cart is, or is not, at the version of a tag', async () => {
    const { id, etag } = await cartWith('tea');
    const put = (quantity: number, headers: object) =>
      write(CARTS, 'PUT', `/carts/${id}/items/tea`, { quantity }, headers);
    expect((await put(3, { 'if-none-match': etag })).status).toBe(412);
    expect((await put(3, { 'if-none-match': `W/${etag}` })).status).toBe(412);
    expect((await put(3, { 'if-match': `W/${etag}` })).status).toBe(412);
    const changed = await put(3, { 'if-match': etag, 'if-none-match': NEVER });
    expect(changed.status).toBe(200);
    expect((await put(4, { 'if-match': etag })).status).toBe(412);
    expect((await put(4, { 'if-none-match': etag })).status).toBe(200);
  });

  test('of a closed cart is a conflict, whatever the precondition', async () => {
    const { id, etag } = await cartWith('tea');
    expect((await write(CARTS, 'POST', `/carts/${id}/close`, { reason: 'bought' })).status).toBe(200);
    const late = await write(CARTS, 'PUT', `/carts/${id}/items/tea`, { quantity: 9 }, { 'if-match': etag });
    expect(late.status).toBe(409);
  });

  test('is another request with another precondition, for the same Idempotency-Key', async () => {
    const { id } = await cartWith('tea');
    const put = (headers: object) =>
      write(
        CARTS,
        'PUT',
        `/carts/${id}/items/coffee`,
        { quantity: 3 },
        { 'idempotency-key': `key of ${id}`, ...headers },
      );
    expect((await put({ 'if-none-match': '*' })).status).toBe(200);
    expect((await put({ 'if-none-match': '*' })).headers['idempotent-replayed']).toBe('true');
    expect((await put({})).status).toBe(422);
    expect((await put({ 'if-match': '*' })).status).toBe(422);
  });
});

test('If-None-Match: * creates a product only if there is none, or it was withdrawn', async () => {
  const put = (path: string, headers: object) =>
    write(CATALOG, 'PUT', path, { ...TEA, size: 'new' }, headers).then(ended);
  const before = (await all.ask(CATALOG, { method: 'GET', path: '/products/tea' })).body;
  expect(await put('/products/tea', { 'if-none-match': '*' })).toMatchObject({ state: 'failed' });
  expect((await all.ask(CATALOG, { method: 'GET', path: '/products/tea' })).body).toEqual(before);
  expect(await put('/products/quite-new', { 'if-none-match': '*' })).toMatchObject({ result: 'applied' });
  await ended(await write(CATALOG, 'DELETE', '/products/quite-new'));
  expect(await put('/products/quite-new', { 'if-match': '*' })).toMatchObject({ state: 'failed' });
  expect(await put('/products/quite-new', { 'if-none-match': '*' })).toMatchObject({ result: 'applied' });
});
