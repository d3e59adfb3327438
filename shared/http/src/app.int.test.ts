import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger } from '@micromart/process/logger';
import { openTestIssuer, type TestIssuer } from '@micromart/testing/http';
import type { Express } from 'express';
import fc from 'fast-check';
import { pino } from 'pino';
import { z } from 'zod';
import { createApp } from './app.ts';
import { createAuthentication } from './authentication/authentication.ts';
import type { Check } from './health.ts';
import { createMetrics } from './metrics.ts';
import { wholeNumber } from './parameters.ts';
import { problem } from './problem.ts';
import { route } from './route.ts';
import { type RunningServer, startServer } from './server/server.ts';

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

class Unavailable extends Error {}
class DiskFull extends Unavailable {}

const notes = route({
  method: 'get',
  path: '/shelves/{shelfId}/notes',
  summary: 'The notes of a shelf',
  roles: ['shopper', 'business'],
  params: z.object({ shelfId: z.string().regex(/^[a-z_]{1,20}$/, 'must be 1 to 20 small letters') }),
  query: z.object({ limit: wholeNumber({ min: 1, max: 100 }).default(50) }),
  answers: {
    200: {
      description: 'The notes',
      schema: z.looseObject({ shelfId: z.string() }),
      headers: z.object({ ETag: z.string() }),
    },
  },
  problems: ['not-found'],
  handle: ({ params, query, caller, traceparent }) => ({
    status: 200,
    headers: { ETag: '"1"' },
    body: { ...params, ...query, caller, traceparent },
  }),
});

const note = z.strictObject({
  text: z.string().max(20),
  tags: z.array(z.strictObject({ name: z.string() })),
});

const addNote = route({
  method: 'post',
  path: '/shelves/{shelfId}/notes',
  summary: 'Adds a note',
  roles: ['shopper'],
  params: z.object({ shelfId: z.string() }),
  body: note.meta({ id: 'Note' }),
  answers: { 201: { description: 'Added', schema: note, headers: z.object({ Location: z.string() }) } },
  problems: ['conflict'],
  handle: ({ body }) => ({ status: 201, headers: { Location: '/notes/1' }, body }),
});

const clearShelf = route({
  method: 'delete',
  path: '/shelves/{shelfId}',
  summary: 'Removes all notes, or one',
  roles: ['shopper'],
  params: z.object({ shelfId: z.string() }),
  body: z.strictObject({ only: z.string() }).optional(),
  answers: {
    200: { description: 'Removed', contentType: 'text/plain' },
    204: { description: 'Nothing to remove' },
  },
  problems: [],
  handle: ({ body }) => (body ? { status: 200, text: body.only } : { status: 204 }),
});

const failures: Record<string, () => never> = {
  problem: () => {
    throw problem('unprocessable', 'There is no such product.', {
      headers: { 'Cache-Control': 'private, max-age=10' },
    });
  },
  outage: () => {
    throw new Unavailable('connect ECONNREFUSED 10.1.2.3:5432');
  },
  full: () => {
    throw new DiskFull('could not extend file: No space left on device');
  },
  bug: () => {
    throw new TypeError('SELECT secret FROM /srv/shelf.ts');
  },
  nothing: () => {
    throw undefined;
  },
};

const fail = route({
  method: 'get',
  path: '/fail/{how}',
  summary: 'Fails',
  roles: 'open',
  params: z.object({ how: z.string() }),
  answers: { 200: { description: 'Never' } },
  problems: ['unprocessable', 'unavailable'],
  handle: async ({ params }) => failures[params.how]?.() ?? { status: 200, body: 1n },
});

const breakOff = route({
  method: 'get',
  path: '/break-off',
  summary: 'Begins an answer and breaks it off',
  roles: 'open',
  query: z.object({ outage: z.literal('yes').optional() }),
  answers: { 200: { description: 'Half of a text', contentType: 'text/plain' } },
  problems: [],
  handle: ({ query }) => ({
    status: 200,
    headers: { 'Content-Type': 'text/plain' },
    stream: async (response) => {
      await new Promise((resolve) => response.write('half', resolve));
      throw query.outage ? new Unavailable() : new Error('lost');
    },
  }),
});

const routes = [notes, addNote, clearShelf, fail, breakOff];

let issuer: TestIssuer;
let app: Express;
let server: RunningServer;
let shopper: string;
let operator: string;
let checks: Check[];
let brokerThere = true;
const logLines: string[] = [];

beforeAll(async () => {
  issuer = await openTestIssuer();
  shopper = await issuer.token({ subject: 'alice', roles: ['shopper'] });
  operator = await issuer.token({ subject: 'olga', roles: ['operator'] });
  checks = [];
  const destination = { write: (line: string) => void logLines.push(line) };
  const logger = createLogger({ name: 'shelf', level: 'info', destination });
  app = createApp({
    name: 'shelf',
    logger,
    metrics: createMetrics('shelf'),
    authenticate: createAuthentication(issuer),
    routes,
    checks: [
      { name: 'store', check: async () => checks[0]?.check() ?? { ok: true } },
      { name: 'broker', optional: true, check: async () => ({ ok: brokerThere }) },
    ],
    ratePerSecond: 40,
    readsPerSecond: 100_000,
    metricsOpen: false,
    isUnavailable: (error) => error instanceof Unavailable,
    isDiskFull: (error) => error instanceof DiskFull,
    asyncapi: { asyncapi: '3.0.0' },
  });
  server = await startServer(app, { host: '127.0.0.1', port: 0, logger });
});

afterAll(async () => {
  await server.close();
  await issuer.close();
});

type Asked = {
  method?: string;
  token?: string;
  type?: string;
  body?: string;
  headers?: Record<string, string>;
};

const ask = (path: string, { method = 'GET', token, type, body, headers = {} }: Asked = {}) =>
  fetch(server.url + path, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': type ?? 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body }),
  });

const NOTE = JSON.stringify({ text: 'milk', tags: [] });
const PATH = '/shelves/top/notes';

describe('a request', () => {
  test('reaches its handler checked and converted', async () => {
    const response = await ask(`${PATH}?limit=7`, { token: shopper, headers: { traceparent: TRACEPARENT } });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      shelfId: 'top',
      limit: 7,
      caller: { subject: 'alice', roles: ['shopper'] },
      traceparent: TRACEPARENT,
    });
  });

  test('gets its id back, or a new one', async () => {
    const given = await ask('/health/live', { headers: { 'X-Request-Id': 'mine-1' } });
    expect(given.headers.get('X-Request-Id')).toBe('mine-1');
    const made = await ask('/health/live', { headers: { 'X-Request-Id': 'not "mine"' } });
    expect(made.headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('carries headers that forbid showing its answer as a page, and storing it', async () => {
    const { headers } = await ask(PATH, { token: shopper });
    expect(headers.get('Content-Security-Policy')).toBe("default-src 'none';frame-ancestors 'none'");
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(headers.get('X-Frame-Options')).toBe('SAMEORIGIN');
    expect(headers.get('Cross-Origin-Resource-Policy')).toBe('same-origin');
    expect(headers.get('Cache-Control')).toBe('no-store');
    expect(headers.get('X-Powered-By')).toBeNull();
  });

  test('may ask for the head alone', async () => {
    const response = await ask(PATH, { method: 'HEAD', token: shopper });
    expect([response.status, response.headers.get('ETag'), await response.text()]).toEqual([200, '"1"', '']);
  });

  test('may be conditional', async () => {
    const response = await ask(PATH, { token: shopper, headers: { 'If-None-Match': '"1"' } });
    expect([response.status, await response.text()]).toEqual([304, '']);
  });

  test('may leave out an optional body', async () => {
    expect((await ask('/shelves/top', { method: 'DELETE', token: shopper })).status).toBe(204);
    const body = JSON.stringify({ only: 'milk' });
    const response = await ask('/shelves/top', { method: 'DELETE', token: shopper, body });
    expect([response.status, await response.text()]).toEqual([200, 'milk']);
  });

  test('may ask which methods there are', async () => {
    const response = await ask(PATH, { method: 'OPTIONS' });
    expect([response.status, response.headers.get('Allow')]).toEqual([204, 'GET, HEAD, POST']);
  });
});

describe('a refusal', () => {
  const post = (body: string, more: Asked = {}) =>
    ['POST', PATH, { token: 'shopper', body, ...more }] as const;
  const deep = `{"text":"a","tags":${'['.repeat(5_000)}${']'.repeat(5_000)}}`;

  const refusals: readonly (readonly [string, number, string, readonly [string, string, Asked]])[] = [
    ['an unknown path', 404, 'not-found', ['GET', '/shelf', {}]],
    ['a slash too many', 404, 'not-found', ['GET', `${PATH}/`, { token: 'shopper' }]],
    ['a path in capitals', 404, 'not-found', ['GET', '/Health/live', {}]],
    ['a method that is not offered', 405, 'method-not-allowed', ['PUT', PATH, { token: 'shopper' }]],
    ['no token', 401, 'unauthenticated', ['GET', PATH, {}]],
    ['a forged token', 401, 'unauthenticated', ['GET', PATH, { token: 'e30.e30.e30' }]],
    ['the wrong role', 403, 'forbidden', ['GET', PATH, { token: 'operator' }]],
    ['the wrong role before a wrong body', 403, 'forbidden', post('{', { token: 'operator' })],
    ['a body of another type', 415, 'unsupported-media-type', post(NOTE, { type: 'text/plain' })],
    ['a packed body', 415, 'unsupported-media-type', post(NOTE, { headers: { 'content-encoding': 'gzip' } })],
    ['a body above 100 kB', 413, 'too-large', post(JSON.stringify({ text: 'a'.repeat(100_000), tags: [] }))],
    ['a body that is no JSON', 400, 'invalid', post('{"text":')],
    ['a body nested too deeply', 400, 'invalid', post(deep)],
    ['no body', 400, 'invalid', ['POST', PATH, { token: 'shopper' }]],
    ['an unknown field', 400, 'invalid', post('{"text":"a","tags":[],"more":1}')],
    ['a field called __proto__', 400, 'invalid', post('{"text":"a","tags":[],"__proto__":{"polluted":1}}')],
    ['an unknown parameter', 400, 'invalid', ['GET', `${PATH}?limt=1`, { token: 'shopper' }]],
    ['an unknown parameter where there are none', 400, 'invalid', ['GET', '/health/live?a', {}]],
    ['a parameter called __proto__', 400, 'invalid', ['GET', '/health/live?__proto__=1', {}]],
    ['a parameter given twice', 400, 'invalid', ['GET', `${PATH}?limit=1&limit=2`, { token: 'shopper' }]],
    ['a parameter out of range', 400, 'invalid', ['GET', `${PATH}?limit=0`, { token: 'shopper' }]],
    ['nonsense in the path', 400, 'invalid', ['GET', '/shelves/%E0%A4%A/notes', { token: 'shopper' }]],
    ['nonsense in the query', 400, 'invalid', ['GET', `${PATH}?limit=%ff`, { token: 'shopper' }]],
    ['a bad id in the path', 400, 'invalid', ['GET', '/shelves/TOP/notes', { token: 'shopper' }]],
    ['what the handler refuses', 422, 'unprocessable', ['GET', '/fail/problem', {}]],
    ['a store that is unavailable', 503, 'unavailable', ['GET', '/fail/outage', {}]],
    ['a bug', 500, 'internal', ['GET', '/fail/bug', {}]],
    ['a rejection with nothing', 500, 'internal', ['GET', '/fail/nothing', {}]],
    ['an answer that is no JSON', 500, 'internal', ['GET', '/fail/bigint', {}]],
  ];

  test.each(refusals)('of %s is a problem', async (_, status, slug, [method, path, asked]) => {
    const tokens: Record<string, string> = { shopper, operator };
    const token = asked.token && (tokens[asked.token] ?? asked.token);
    const response = await ask(path, { ...asked, method, ...(token && { token }) });
    expect(response.status).toBe(status);
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    const { title, detail, instance, ...body } = (await response.json()) as Record<string, unknown>;
    expect(body).toMatchObject({ type: `/problems/${slug}`, status });
    expect([typeof title, typeof detail, instance]).toEqual(['string', 'string', path.split('?')[0]]);
  });

  test('of writes to a full disk is logged in one line, not one for each', async () => {
    const statuses = await Promise.all([1, 2, 3].map(async () => (await ask('/fail/full')).status));
    expect(statuses).toEqual([503, 503, 503]);
    const lines = logLines.map((line) => JSON.parse(line)).filter(({ msg }) => msg.includes('disk'));
    expect(lines).toMatchObject([{ level: 50, msg: expect.stringContaining('full') }]);
  });

  test('lists all that is wrong, and where', async () => {
    const body = JSON.stringify({ text: 'a'.repeat(21), tags: [{ name: 1, nam: 'x' }, {}] });
    const response = await ask(`${PATH}?x=1`, { method: 'POST', token: shopper, body });
    const { errors } = (await response.json()) as { errors: unknown };
    expect(errors).toEqual([
      { path: 'query.x', message: 'is not known here' },
      { path: 'body.text', message: 'Too big: expected string to have <=20 characters' },
      { path: 'body.tags.0.name', message: 'Invalid input: expected string, received number' },
      { path: 'body.tags.0.nam', message: 'is not known here' },
      { path: 'body.tags.1.name', message: 'is required' },
    ]);
  });

  test('says what would be accepted', async () => {
    const method = await ask(PATH, { method: 'PUT' });
    expect(method.headers.get('Allow')).toBe('GET, HEAD, POST');
    const token = await ask(PATH);
    expect(token.headers.get('WWW-Authenticate')).toBe('Bearer');
    const unavailable = await ask('/fail/outage');
    expect(unavailable.headers.get('Retry-After')).toBe('1');
    const own = await ask('/fail/problem');
    expect(own.headers.get('Cache-Control')).toBe('private, max-age=10');
  });

  test('answers a request with two Authorization headers, whoever they name', async () => {
    const status = await new Promise((resolve, reject) => {
      const headers = [
        'Host',
        'shelf',
        'Authorization',
        `Bearer ${shopper}`,
        'authorization',
        `Bearer ${operator}`,
      ];
      const request = httpRequest(server.url + PATH, { headers });
      request.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
      request.end();
    });
    expect(status).toBe(401);
  });

  test('shows nothing of what happened inside, but the log does', async () => {
    const response = await ask('/fail/bug', { headers: { 'X-Request-Id': 'bug-1' } });
    const text = await response.text();
    expect(text).toContain('bug-1');
    expect(text).not.toMatch(/SELECT|\.ts|TypeError/);
    expect(logLines.find((line) => line.includes('bug-1'))).toMatch(/SELECT secret .*app\.int\.test\.ts/);
  });

  test('is all that nonsense can cause', async () => {
    const request = fc.record({
      method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'),
      path: fc.oneof(
        fc.constantFrom(PATH, '/shelves/top', '/health/ready', '/docs', '/openapi.json'),
        fc.webPath().filter((path) => !path.startsWith('//')),
      ),
      query: fc.oneof(fc.constant(''), fc.webQueryParameters()),
      body: fc.oneof(fc.constant(NOTE), fc.json(), fc.string()),
      type: fc.constantFrom('application/json', 'application/json; charset=utf-8', 'text/plain'),
      header: fc.stringMatching(/^[!-~]{0,40}$/),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path, query, body, type, header }) => {
        const headers = { 'If-None-Match': header, traceparent: header, 'X-Request-Id': header };
        const response = await ask(`${path || '/'}?${query}`, {
          method,
          token: shopper,
          headers,
          ...(!/GET|HEAD/.test(method) && { body, type }),
        });
        await response.arrayBuffer();
        expect(response.status).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
  });

  test('after an answer has begun breaks the connection, so no half answer looks complete', async () => {
    const response = await ask('/break-off');
    await expect(response.text()).rejects.toThrow();
  });

  test('after an answer has begun is logged as an error, in an outage as a warning', async () => {
    const levels = async (path: string) => {
      const response = await ask(path);
      await expect(response.text()).rejects.toThrow();
      const id = response.headers.get('X-Request-Id');
      const lines = logLines.map((line) => JSON.parse(line)).filter(({ requestId }) => requestId === id);
      return lines.flatMap(({ msg, level }) => (msg === 'an answer broke off' ? [level] : []));
    };
    expect(await levels('/break-off')).toEqual([pino.levels.values.error]);
    expect(await levels('/break-off?outage=yes')).toEqual([pino.levels.values.warn]);
  });

  test('answers a caller that writes too often, and no other', async () => {
    const eager = await issuer.token({ subject: 'eager', roles: ['shopper'] });
    const add = () => ask(PATH, { method: 'POST', token: eager, body: NOTE });
    const responses = await Promise.all(Array.from({ length: 100 }, add));
    const refused = responses.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.headers.get('Retry-After')).toBe('1');
    expect((await ask(PATH, { token: eager })).status).toBe(200);
    expect((await ask(PATH, { method: 'POST', token: shopper, body: NOTE })).status).toBe(201);
  });
});

describe('a service', () => {
  test('is ready while its parts are, and says which is not', async () => {
    const ready = async () => {
      const response = await ask('/health/ready');
      return [response.status, await response.json()];
    };
    const health = ({ ready, store }: { ready: boolean; store: object }) => ({
      ready,
      degraded: false,
      parts: { store, broker: { ok: true } },
    });
    expect(await ready()).toEqual([200, health({ ready: true, store: { ok: true } })]);
    checks = [{ name: 'store', check: async () => ({ ok: false, detail: 'lags 40 s behind' }) }];
    const lagging = { ok: false, detail: 'lags 40 s behind' };
    expect(await ready()).toEqual([503, health({ ready: false, store: lagging })]);
    checks = [{ name: 'store', check: () => Promise.reject(new Error('postgres://shelf:hunter2@db')) }];
    const silent = { ok: false, detail: 'does not answer' };
    expect(await ready()).toEqual([503, health({ ready: false, store: silent })]);
    checks = [];
  });

  test('is ready, but degraded, while an optional part is unavailable', async () => {
    brokerThere = false;
    const response = await ask('/health/ready');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      ready: true,
      degraded: true,
      parts: { store: { ok: true }, broker: { ok: false } },
    });
    const text = await (await ask('/metrics', { token: operator })).text();
    expect(text).toMatch(/readiness_degraded\{.*\} 1\n/);
    expect(text).toMatch(/readiness_part_ok\{part="broker".*\} 0\n/);
    expect(text).toMatch(/readiness_part_ok\{part="store".*\} 1\n/);
    brokerThere = true;
  });

  test('is not ready when a part does not answer in time, but lives', async () => {
    checks = [{ name: 'store', check: () => new Promise(() => {}) }];
    const response = await ask('/health/ready');
    expect(await response.json()).toMatchObject({ parts: { store: { detail: 'no answer within 2000 ms' } } });
    expect((await ask('/health/live')).status).toBe(200);
    checks = [];
  });

  test('shows its metrics to operators, by route and not by path', async () => {
    expect((await ask('/metrics')).status).toBe(401);
    expect((await ask('/metrics', { token: shopper })).status).toBe(403);
    await ask('/no/such/path');
    const text = await (await ask('/metrics', { token: operator })).text();
    expect(text).toMatch(
      /http_request_duration_seconds_count\{.*route="\/shelves\/\{shelfId\}\/notes".*\} \d+/,
    );
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).not.toMatch(/\/no\/such\/path|\/shelves\/top/);
  });

  test('serves exactly the routes of its OpenAPI document', async () => {
    const document = (await (await ask('/openapi.json')).json()) as { paths: Record<string, object> };
    const documented = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    );
    type Layer = { route?: { path: string; stack: { method?: string }[] } };
    const served = (app.router.stack as unknown as Layer[]).flatMap(({ route: one }) =>
      one
        ? one.stack.flatMap(({ method }) =>
            method ? [`${method} ${one.path.replace(/:(\w+)/g, '{$1}')}`] : [],
          )
        : [],
    );
    expect(documented.sort()).toEqual(served.sort());
    expect(documented).toContain('get /asyncapi.json');
  });

  test('documents who may call, what to send and what comes back', async () => {
    const document = (await (await ask('/openapi.json')).json()) as {
      paths: Record<string, Record<string, Record<string, unknown>>>;
    };
    const { get, post: add } = document.paths['/shelves/{shelfId}/notes']!;
    expect(get).toMatchObject({
      operationId: 'getShelvesShelfIdNotes',
      'x-roles': ['shopper', 'business'],
      security: [{ bearer: [] }],
      parameters: [
        { in: 'path', name: 'shelfId', required: true },
        { in: 'query', name: 'limit', schema: { type: 'integer', minimum: 1, maximum: 100 } },
        { in: 'header', name: 'If-Match' },
        { in: 'header', name: 'If-None-Match' },
      ],
    });
    expect(Object.keys(get!.responses as object)).toEqual([
      '200',
      '304',
      '400',
      '401',
      '403',
      '404',
      '412',
      '429',
      '431',
      '500',
      '503',
    ]);
    expect(add).toMatchObject({
      requestBody: {
        required: true,
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Note' } } },
      },
      responses: {
        201: { headers: { Location: {}, 'X-Request-Id': {} } },
        409: { $ref: '#/components/responses/conflict' },
        429: { $ref: '#/components/responses/too-many-requests' },
      },
    });
    expect(document.paths['/shelves/{shelfId}']!.delete).toMatchObject({ requestBody: { required: false } });
  });

  test('has a page for people that needs no script and nothing from elsewhere', async () => {
    const response = await ask('/docs');
    const page = await response.text();
    expect(response.headers.get('Content-Security-Policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-/,
    );
    expect(page).toContain('<code>/shelves/{shelfId}/notes</code> Adds a note');
    expect(page).toContain('text of length up to 20');
    expect(page).not.toMatch(/<script|https?:\/\/|style=/);
  });
});

describe('a route', () => {
  test('is refused at the start when its path and its parameters differ', () => {
    const declare = () =>
      route({
        method: 'get',
        path: '/carts/{cartId}',
        summary: 'A cart',
        roles: 'open',
        params: z.object({ id: z.string() }),
        answers: { 200: { description: 'The cart' } },
        problems: [],
        handle: () => ({ status: 200 }),
      });
    expect(declare).toThrow('get /carts/{cartId}: the path has {cartId}, but params declares {id}');
  });
});
