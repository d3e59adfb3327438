import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '@micromart/process/logger';
import { openRawConnection } from '@micromart/testing/raw-connection';
import { until } from '@micromart/testing/until';
import fc from 'fast-check';
import { z } from 'zod';
import { createApp } from '../app.ts';
import { NOBODY } from '../authentication/authentication.ts';
import { createMetrics } from '../metrics.ts';
import { type Answer, type RouteRequest, route } from '../route.ts';
import { type RunningServer, type ServerLimits, startServer } from './server.ts';

type Handle = (request: RouteRequest<unknown, unknown, unknown, unknown>) => Promise<Answer>;

const REQUEST = 'GET /wait HTTP/1.1\r\nHost: test\r\n\r\n';
const OK: Answer = { status: 200, body: 'done' };
const LARGE: Answer = {
  status: 200,
  headers: { 'Content-Type': 'application/json' },
  text: Buffer.from(`"${'x'.repeat(1_000_000)}"`),
};
/** Very many, but still within what one read of a socket brings in. */
const BURST = 1_500;

let logLines: string[];
let closers: (() => unknown)[];
beforeEach(() => {
  logLines = [];
  closers = [];
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
});

async function serve(handle: Handle, limits: Partial<ServerLimits> = {}): Promise<RunningServer> {
  const destination = { write: (line: string) => void logLines.push(line) };
  const logger = createLogger({ name: 'test', level: 'info', destination });
  const answers = { 200: { description: 'Waited', schema: z.unknown() } };
  const declared = { path: '/wait', summary: 'Waits', roles: 'open', answers, problems: [] } as const;
  const app = createApp({
    name: 'test',
    logger,
    metrics: createMetrics('test'),
    authenticate: async () => NOBODY,
    routes: [
      route({ ...declared, method: 'get', handle }),
      route({ ...declared, method: 'post', body: z.string(), handle }),
    ],
    checks: [],
    ratePerSecond: 1,
    readsPerSecond: 100_000,
    metricsOpen: false,
  });
  const server = await startServer(app, { host: '127.0.0.1', port: 0, logger, limits });
  closers.push(server.close);
  return server;
}

async function open(server: RunningServer, options?: { halfOpen: boolean }) {
  const client = await openRawConnection(server.port, options);
  closers.push(() => client.socket.destroy());
  return client;
}

const openMany = (server: RunningServer, count: number) =>
  Promise.all(Array.from({ length: count }, () => open(server)));

const answersIn = (text: string): number => text.split('HTTP/1.1 200 OK').length - 1;

/** A handler that counts, and answers when it is released. */
function gate(answer: Answer = OK) {
  const state = { begun: 0, inFlight: 0, mostInFlight: 0 };
  const { promise: opened, resolve: release } = Promise.withResolvers<void>();
  const handle: Handle = async () => {
    state.begun += 1;
    state.inFlight += 1;
    state.mostInFlight = Math.max(state.mostInFlight, state.inFlight);
    await opened;
    state.inFlight -= 1;
    return answer;
  };
  return { state, handle, release };
}

describe('requests that come faster than their answers are read', () => {
  test('are all answered, one at a time and in order', async () => {
    const { state, handle, release } = gate();
    const client = await open(await serve(handle));
    client.send(REQUEST.repeat(BURST));
    release();
    await until(() => answersIn(client.received.text) === BURST);
    expect(state).toEqual({ begun: BURST, inFlight: 0, mostInFlight: 1 });
  });

  test('do not start while the client reads nothing', async () => {
    const { state, handle, release } = gate(LARGE);
    release();
    const server = await serve(handle);
    const [deaf, other] = await Promise.all([open(server), open(server)]);
    deaf.socket.pause();
    deaf.send(REQUEST.repeat(BURST));
    await until(() => state.begun > 0);
    other.send(REQUEST.repeat(20));
    await until(() => answersIn(other.received.text) === 20, { capMs: 60_000 });
    // The system's buffers take a few megabytes, so as many requests are answered.
    expect(state.begun - 20).toBeLessThanOrEqual(16);
    expect(deaf.received.text).toBe('');
    deaf.socket.destroy();
  });

  test('end their connection when too many wait in the process, and disturb no other connection', async () => {
    const { state, handle, release } = gate();
    const server = await serve(handle, { maxWaiting: 64 });
    let parsed = 0;
    const countParsed = () => {
      parsed += 1;
    };
    subscribe('http.server.request.start', countParsed);
    closers.push(() => unsubscribe('http.server.request.start', countParsed));
    const [greedy, modest, single] = await Promise.all([open(server), open(server), open(server)]);
    modest.send(REQUEST.repeat(10));
    single.send(REQUEST);
    await until(() => state.begun === 2);
    greedy.send(REQUEST.repeat(BURST));
    await until(() => greedy.received.ended);
    expect(greedy.received.text).toBe('');
    expect(state.begun).toBe(3);
    // The rest is not even parsed: making a request and discarding it costs as much as keeping it.
    expect(parsed).toBeLessThanOrEqual(11 + 64);
    release();
    await until(() => answersIn(modest.received.text) === 10 && answersIn(single.received.text) === 1);
    const later = await open(server);
    later.send(REQUEST.repeat(60));
    await until(() => answersIn(later.received.text) === 60);
  });

  test('are answered in order, whatever they are and however their bytes are split', async () => {
    const server = await serve(async ({ id, body }) => ({ status: 200, body: [id, body ?? null] }));
    const kinds = fc.constantFrom(
      { text: 'GET /wait', status: '200' },
      { text: 'HEAD /wait', status: '200' },
      { text: 'GET /nowhere', status: '404' },
      { text: 'PUT /wait', status: '405' },
      { text: 'POST /wait', status: '200', body: '"a body"' },
      { text: 'POST /wait', status: '400', body: 'no json' },
    );
    const pipeline = fc.record({
      asked: fc.array(kinds, { minLength: 1, maxLength: 60 }),
      cuts: fc.array(fc.nat({ max: 6_000 }), { maxLength: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(pipeline, async ({ asked, cuts }) => {
        const text = asked
          .map(({ text, body }, n) => {
            const content = `Content-Type: application/json\r\nContent-Length: ${body?.length ?? 0}`;
            return `${text} HTTP/1.1\r\nHost: test\r\nX-Request-Id: n${n}\r\n${content}\r\n\r\n${body ?? ''}`;
          })
          .join('');
        const client = await open(server);
        const ends = [...cuts.sort((a, b) => a - b), text.length];
        for (const [n, end] of ends.entries()) {
          client.send(text.slice(ends[n - 1] ?? 0, end));
          await new Promise(setImmediate);
        }
        const found = () => [
          ...client.received.text.matchAll(/HTTP\/1\.1 (\d+) [\s\S]*?X-Request-Id: (\w+)/g),
        ];
        await until(() => found().length === asked.length);
        expect(found().map(([, status, id]) => [status, id])).toEqual(
          asked.map(({ status }, n) => [status, `n${n}`]),
        );
        client.socket.destroy();
      }),
      { numRuns: 50 },
    );
  });

  test('do not start after an answer that ends the connection', async () => {
    const { state, handle, release } = gate();
    const server = await serve(handle);
    const [asked, other] = await openMany(server, 2);
    asked!.send('GET /wait HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n');
    other!.send(REQUEST.repeat(5));
    await until(() => state.begun === 2);
    asked!.send(REQUEST.repeat(5));
    // From now on every answer ends its connection.
    const closed = server.close();
    release();
    await closed;
    await until(() => asked!.received.ended && other!.received.ended);
    expect(state.begun).toBe(2);
    expect([answersIn(asked!.received.text), answersIn(other!.received.text)]).toEqual([1, 1]);
  });

  test('are answered before an unreadable request behind them is refused', async () => {
    const { state, handle, release } = gate();
    const client = await open(await serve(handle));
    client.send(`${REQUEST}${REQUEST}nonsense\r\n\r\n`);
    await until(() => state.begun === 1);
    release();
    await until(() => client.received.ended);
    expect(client.received.text).toMatch(
      /^HTTP\/1\.1 200 .*HTTP\/1\.1 200 .*HTTP\/1\.1 400 .*problem\+json/s,
    );
  });
});

describe('connections that say nothing', () => {
  test('are closed soon after they were told that their time is over', async () => {
    const server = await serve(async () => OK, { headersTimeoutMs: 100 });
    const client = await open(server, { halfOpen: true });
    await until(() => client.received.text.includes('408 Request Timeout'));
    // Empty lines before a request are ignored (RFC 9112, 2.2), so a half-closed connection could send them for ever.
    await until(() => {
      client.send('\r\n');
      return client.received.ended;
    });
    expect(client.received.text).toContain('application/problem+json');
  });

  test('are closed after any refusal, however much they send', async () => {
    const client = await open(await serve(async () => OK), { halfOpen: true });
    client.send('nonsense\r\n\r\n');
    await until(() => client.received.text.includes('400 Bad Request'));
    await until(() => {
      client.send(REQUEST);
      return client.received.ended;
    });
    expect(answersIn(client.received.text)).toBe(0);
  });

  test('make room for others, the longest silent first', async () => {
    const { state, handle, release } = gate();
    const server = await serve(handle, { maxConnections: 8 });
    const busy = await open(server);
    busy.send(REQUEST);
    await until(() => state.begun === 1);
    const silent: Awaited<ReturnType<typeof open>>[] = [];
    for (let n = 0; n < 20; n += 1) silent.push(await open(server));
    const other = await open(server);
    other.send(REQUEST);
    await until(() => state.begun === 2);
    await until(() => silent.filter(({ received }) => received.ended).length === 14);
    expect(silent.map(({ received }) => received.ended)).toEqual(silent.map((_, n) => n < 14));
    release();
    await until(() => answersIn(busy.received.text) === 1 && answersIn(other.received.text) === 1);
    expect(logLines.join()).toContain('connections');
  });

  test('are closed before idle ones, and idle ones before busy ones', async () => {
    const { state, handle, release } = gate();
    release();
    const server = await serve(handle, { maxConnections: 4 });
    const [first, second] = await openMany(server, 2);
    for (const client of [second!, first!]) {
      client.send(REQUEST);
      await until(() => answersIn(client.received.text) === 1);
    }
    const silent = await openMany(server, 2);
    const third = await open(server);
    third.send(REQUEST);
    await until(() => answersIn(third.received.text) === 1);
    expect([first!.received.ended, second!.received.ended]).toEqual([false, false]);
    await until(() => silent.filter(({ received }) => received.ended).length === 1);
    for (const _ of silent) {
      const more = await open(server);
      more.send(REQUEST);
      await until(() => answersIn(more.received.text) === 1);
    }
    await until(() => second!.received.ended);
    expect(first!.received.ended).toBe(false);
    expect(state.begun).toBe(5);
  });

  test('get time to send a request even when idle ones fill the server', async () => {
    const { state, handle, release } = gate();
    release();
    const server = await serve(handle, { maxConnections: 20 });
    const idle = await openMany(server, 20);
    for (const { send } of idle) send(REQUEST);
    await until(() => idle.every(({ received }) => answersIn(received.text) === 1));
    const late = await openMany(server, 2);
    await until(() => idle.filter(({ received }) => received.ended).length === 2);
    for (const { send } of late) send(REQUEST);
    await until(() => late.every(({ received }) => answersIn(received.text) === 1));
    expect(state.begun).toBe(22);
  });

  test('make room too when they do not read their answers', async () => {
    const { state, handle, release } = gate(LARGE);
    release();
    const server = await serve(handle, { maxConnections: 4 });
    const deaf = await openMany(server, 4);
    for (const { socket, send } of deaf) {
      socket.pause();
      send(REQUEST.repeat(50));
    }
    // All of them are busy until the system's buffers are full.
    let begun = 0;
    await until(() => {
      const isStuck = state.begun === begun && begun >= 2 * deaf.length;
      begun = state.begun;
      return isStuck;
    });
    await until(async () => {
      const other = await open(server);
      other.send(REQUEST);
      await until(() => other.received.ended || other.received.text.length > 1_000_000);
      return !other.received.ended;
    });
    for (const { socket } of deaf) socket.destroy();
  });

  test('are refused while all others are busy', async () => {
    const { state, handle, release } = gate();
    const server = await serve(handle, { maxConnections: 2 });
    const busy = await openMany(server, 2);
    for (const { send } of busy) send(REQUEST);
    await until(() => state.begun === 2);
    const late = await open(server);
    await until(() => late.received.ended);
    expect(late.received.text).toBe('');
    release();
    await until(() => busy.every(({ received }) => answersIn(received.text) === 1));
  });
});
