import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger } from '@micromart/process/logger';
import { openTestIssuer, type TestIssuer } from '@micromart/testing/http';
import { until } from '@micromart/testing/until';
import { createApp } from './app.ts';
import { createAuthentication } from './authentication/authentication.ts';
import { problemsOf } from './documents/openapi.ts';
import { createLimits } from './limits.ts';
import { createMetrics } from './metrics.ts';
import { route } from './route.ts';
import { type RunningServer, startServer } from './server/server.ts';

const PER_SECOND = 5;
const MAX_OPEN = 3;
const MANY = 60;

let issuer: TestIssuer;
let server: RunningServer;
let waiting: (() => void)[];

const usual = { roles: ['business', 'service'], answers: { 200: { description: 'Done' } } } as const;
const read = route({
  ...usual,
  method: 'get',
  path: '/read',
  summary: 'Reads',
  problems: [],
  handle: () => ({ status: 200 }),
});
const write = route({ ...read, method: 'post', path: '/write', write: true });
const open = route({ ...usual, ...read, roles: 'open', path: '/open' });
const released = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    waiting.push(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
const wait = route({
  ...read,
  path: '/wait',
  async handle({ signal }) {
    await released(signal);
    return { status: 200 };
  },
});
const stream = route({
  ...read,
  path: '/stream',
  answers: { 200: { description: 'Streams', contentType: 'text/plain' } },
  handle: ({ signal }) => ({
    status: 200,
    headers: { 'Content-Type': 'text/plain' },
    async stream(response) {
      await released(signal);
      response.end();
    },
  }),
});

beforeAll(async () => {
  issuer = await openTestIssuer();
  const logger = createLogger({ name: 'test', level: 'silent' });
  const app = createApp({
    name: 'test',
    logger,
    metrics: createMetrics('test'),
    authenticate: createAuthentication(issuer),
    routes: [read, write, open, wait, stream],
    checks: [],
    ratePerSecond: 1_000,
    readsPerSecond: PER_SECOND,
    maxOpenReads: MAX_OPEN,
    metricsOpen: false,
  });
  server = await startServer(app, { host: '127.0.0.1', port: 0, logger });
  waiting = [];
});
afterAll(async () => {
  await server.close();
  await issuer.close();
});

type Role = 'business' | 'service';
const tokenOf = (subject: string, role: Role = 'business') => issuer.token({ subject, roles: [role] });
const ask = (path: string, token?: string, more: RequestInit = {}) =>
  fetch(server.url + path, {
    ...more,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
const askMany = async (path: string, token?: string, more?: RequestInit) => {
  const responses = await Promise.all(Array.from({ length: MANY }, () => ask(path, token, more)));
  return responses.map(({ status }) => status);
};

describe('reads of one subject', () => {
  test('are refused when they come too often, and those of others are not', async () => {
    const eager = await tokenOf('eager');
    const statuses = await askMany('/read', eager);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect((await ask('/read', await tokenOf('other'))).status).toBe(200);
    expect(new Set(await askMany('/write', eager, { method: 'POST' }))).toEqual(new Set([200]));
  });

  test('have no rate limit when the subject is a service', async () => {
    expect(new Set(await askMany('/read', await tokenOf('follower', 'service')))).toEqual(new Set([200]));
  });

  test.each(['/wait', '/stream'])('that are open at %s have a limit, whoever asks', async (path) => {
    const follower = await tokenOf(`follower of ${path}`, 'service');
    waiting = [];
    const gone = new AbortController();
    const asked = [ask(path, follower), ask(path, follower), ask(path, follower, { signal: gone.signal })];
    asked[2]!.catch(() => {});
    await until(() => waiting.length === MAX_OPEN);
    const refused = await ask(path, follower);
    expect([refused.status, refused.headers.get('Retry-After')]).toEqual([429, '1']);
    expect(await refused.json()).toMatchObject({ type: '/problems/too-many-requests' });
    const other = ask(path, await tokenOf(`other follower of ${path}`, 'service'));
    await until(() => waiting.length === MAX_OPEN + 1);

    gone.abort();
    const again = until(async () => {
      const response = ask('/read', follower);
      return (await response).status === 200;
    });
    await again;
    for (const release of waiting) release();
    for (const one of [asked[0]!, asked[1]!, other]) expect((await one).status).toBe(200);
    for (let n = 0; n < 2 * MAX_OPEN; n += 1) expect((await ask('/read', follower)).status).toBe(200);
  });
});

describe('requests of one address', () => {
  test.each([
    ['without a token', '/open', undefined, 200],
    ['without the token that is needed', '/read', undefined, 401],
    ['with a token that is not believed', '/read', 'e30.e30.e30', 401],
    ['without a token, for what there is not', '/nowhere', undefined, 404],
  ])('%s are refused where they come too often', async (_, path, token, status) => {
    // The limit may have been reached before.
    const statuses: number[] = [];
    await until(async () => {
      statuses.push(...(await askMany(path, token)));
      return statuses.includes(status);
    });
    expect(new Set(statuses)).toEqual(new Set([status, 429]));
    expect((await ask('/read', await tokenOf(`reader beside ${path}`))).status).toBe(200);
  });

  test('are never refused when they ask for health', async () => {
    expect(new Set(await askMany('/health/live'))).toEqual(new Set([200]));
    expect(new Set(await askMany('/health/ready'))).toEqual(new Set([200]));
  });

  test('count together for one customer, which in IPv6 is a network', async () => {
    const { withoutToken } = createLimits({ writesPerSecond: 1, readsPerSecond: 1, maxOpenReads: 1 });
    await withoutToken('2001:db8::1');
    await expect(withoutToken('2001:db8:0:ff::2')).rejects.toMatchObject({ code: 'too-many-requests' });
    await withoutToken('2001:db8:0:100::1');
    await withoutToken('::ffff:192.0.2.1');
    await expect(withoutToken('192.0.2.1')).rejects.toMatchObject({ code: 'too-many-requests' });
    await withoutToken('192.0.2.2');
  });
});

test('every route that is limited declares 429', () => {
  for (const one of [read, write, open]) expect(problemsOf(one)).toContain('too-many-requests');
});
