import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLogger } from '@micromart/process/logger';
import { openRawConnection } from '@micromart/testing/raw-connection';
import { until } from '@micromart/testing/until';
import { z } from 'zod';
import { createApp } from '../app.ts';
import { NOBODY } from '../authentication/authentication.ts';
import { createMetrics } from '../metrics.ts';
import { route } from '../route.ts';
import { type RunningServer, startServer } from '../server/server.ts';

let server: RunningServer;
const metrics = createMetrics('test');

beforeAll(async () => {
  const logger = createLogger({ name: 'test', level: 'silent' });
  const declared = { path: '/', summary: 'Echoes', roles: 'open', problems: [] } as const;
  const answers = { 200: { description: 'What was sent', schema: z.unknown() } };
  const app = createApp({
    name: 'test',
    logger,
    metrics,
    authenticate: async () => NOBODY,
    routes: [
      route({ ...declared, method: 'get', answers, handle: () => ({ status: 200, body: 'ok' }) }),
      route({
        ...declared,
        method: 'post',
        answers,
        body: z.unknown(),
        handle: ({ body }) => ({ status: 200, body }),
      }),
    ],
    checks: [],
    ratePerSecond: 1,
    readsPerSecond: 100_000,
    metricsOpen: true,
  });
  server = await startServer(app, { host: '127.0.0.1', port: 0, logger });
});
afterAll(() => server.close());

/** Sends lines, and returns what was answered when the connection has ended or the answer is complete. */
async function exchange(lines: readonly string[], body = '') {
  const { socket, received, send } = await openRawConnection(server.port);
  try {
    send(`${lines.join('\r\n')}\r\n\r\n${body}`);
    const whole = () => /^HTTP.*?\r\n\r\n(?:"ok"|\{.*\}|\[.*\])/s.test(received.text);
    await until(() => received.ended || whole());
    const [head = '', content = ''] = received.text.split('\r\n\r\n');
    const closes = /\r\nConnection: close(\r\n|$)/i.test(head);
    if (closes) await until(() => received.ended);
    return { status: Number(head.slice(9, 12)), head, content, closes };
  } finally {
    socket.destroy();
  }
}

const GET = 'GET / HTTP/1.1';
const CHUNKED = ['Transfer-Encoding: chunked', 'Content-Type: application/json'];

test.each([
  ['no Host', [GET]],
  ['two of them', [GET, 'Host: a', 'Host: b']],
  ['two that say the same', [GET, 'Host: a', 'host: a']],
  ['two in HTTP/1.0', ['GET / HTTP/1.0', 'Host: a', 'Host: b']],
  ['one with a space', [GET, 'Host: a b']],
  ['a list', [GET, 'Host: a, b']],
  ['a path', [GET, 'Host: a/b']],
  ['a user', [GET, 'Host: u@a']],
  ['a port that is none', [GET, 'Host: a:b']],
  ['two ports', [GET, 'Host: a:1:2']],
  ['an open bracket', [GET, 'Host: [::1']],
  ['half an escape', [GET, 'Host: a%2']],
  ['letters beyond ASCII', [GET, 'Host: käse']],
])('a request with %s as its Host is refused, and its connection closed', async (_, lines) => {
  const { status, closes, content, head } = await exchange(lines);
  expect([status, closes]).toEqual([400, true]);
  expect(head).toMatch(/\r\nContent-Type: application\/problem\+json\r\n/);
  expect(JSON.parse(content)).toMatchObject({ type: '/problems/invalid', status: 400 });
});

test.each([
  [GET, 'Host: a'],
  [GET, 'Host: a.example:8080'],
  [GET, 'Host: a:'],
  [GET, 'Host: 127.0.0.1:80'],
  [GET, 'Host: [::1]:80'],
  [GET, 'Host: [v1.a:b]'],
  [GET, 'Host: A_b~c%2d!$&()*+;='],
  [GET, 'Host:'],
  ['GET / HTTP/1.0'],
])('%s with "%s" is answered', async (...lines) => {
  expect((await exchange(lines.filter(Boolean))).status).toBe(200);
});

test.each([
  ['something unknown', 'Expect: 200-ok'],
  ['something besides 100-continue', 'Expect: 100-continue, more'],
  ['100-continue with a parameter', 'Expect: 100-continue;now=1'],
])('a request that expects %s is refused with a problem', async (_, line) => {
  const { status, content } = await exchange([GET, 'Host: a', line]);
  expect(status).toBe(417);
  expect(JSON.parse(content)).toMatchObject({ type: '/problems/expectation-failed', status: 417 });
});

test.each(['Expect: 100-continue', 'expect: 100-Continue', 'Expect: , 100-continue'])(
  'a request with "%s" is told to continue',
  async (line) => {
    const { head } = await exchange(['POST / HTTP/1.1', 'Host: a', line, ...CHUNKED], '2\r\n[]\r\n0\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 100 Continue/);
  },
);

test('the expectations of an HTTP/1.0 request are ignored', async () => {
  expect((await exchange(['GET / HTTP/1.0', 'Expect: 200-ok'])).status).toBe(200);
});

test.each([
  ['without a length', []],
  ['with a length', ['Content-Length: 2']],
  ['that would stay open', ['Connection: keep-alive']],
])('an HTTP/1.0 request in chunks, %s, is refused, and its connection closed', async (_, more) => {
  const { status, closes } = await exchange(
    ['POST / HTTP/1.0', ...CHUNKED, ...more],
    '2\r\n[]\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
  );
  expect([status, closes]).toEqual([400, true]);
});

test('a request for a tunnel is refused with a problem', async () => {
  const { status, content } = await exchange(['CONNECT a:1 HTTP/1.1', 'Host: a:1']);
  expect(status).toBe(405);
  expect(JSON.parse(content)).toMatchObject({ status: 405 });
});

test('unknown methods count as one in the metrics', async () => {
  for (const method of ['PROPFIND', 'M-SEARCH', 'MKCOL', 'REPORT', 'QUERY', 'DELETE'])
    await exchange([`${method} /metrics HTTP/1.1`, 'Host: a']);
  const labels = async () => {
    const text = await metrics.registry.metrics();
    return new Set([...text.matchAll(/_count\{.*?method="([^"]+)"/g)].map(([, method]) => method));
  };
  await until(async () => (await labels()).has('_OTHER'));
  expect([...(await labels())].sort()).toEqual(['DELETE', 'GET', 'POST', '_OTHER']);
});
