import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '@micromart/process/logger';
import { openRawConnection } from '@micromart/testing/raw-connection';
import { until } from '@micromart/testing/until';
import { z } from 'zod';
import { createApp } from '../app.ts';
import { NOBODY } from '../authentication/authentication.ts';
import { createMetrics } from '../metrics.ts';
import { type Answer, type RouteRequest, route } from '../route.ts';
import { type RunningServer, startServer } from './server.ts';

type Handle = (request: RouteRequest<unknown, unknown, unknown, unknown>) => Promise<Answer>;

const REQUEST = 'GET /wait HTTP/1.1\r\nHost: test\r\n\r\n';
const OK: Answer = { status: 200, body: 'done' };
/** Longer than the grace after which idle connections are closed. */
const STANDSTILL_MS = 700;

let logLines: string[];
let closers: (() => unknown)[];
beforeEach(() => {
  logLines = [];
  closers = [];
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
});

async function serve(handle: Handle): Promise<RunningServer> {
  const destination = { write: (line: string) => void logLines.push(line) };
  const logger = createLogger({ name: 'test', level: 'info', destination });
  const wait = route({
    method: 'get',
    path: '/wait',
    summary: 'Waits',
    roles: 'open',
    answers: { 200: { description: 'Waited', schema: z.unknown() } },
    problems: [],
    handle,
  });
  const app = createApp({
    name: 'test',
    logger,
    metrics: createMetrics('test'),
    authenticate: async () => NOBODY,
    routes: [wait],
    checks: [],
    ratePerSecond: 1,
    readsPerSecond: 100_000,
    metricsOpen: false,
  });
  const server = await startServer(app, { host: '127.0.0.1', port: 0, logger });
  closers.push(server.close);
  return server;
}

async function open({ port }: RunningServer) {
  const client = await openRawConnection(port);
  closers.push(() => client.socket.destroy());
  return client;
}

const refusesConnections = ({ port }: RunningServer) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(false));
    socket.once('error', () => resolve(true)).once('connect', () => socket.destroy());
  });

/** Blocks the whole process, as when it is frozen or gets no processor. */
const standStill = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STANDSTILL_MS);

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

describe('closing a server', () => {
  test('finishes requests in flight, and says in their answers that the connection ends', async () => {
    const { promise: finish, resolve } = Promise.withResolvers<void>();
    let begun = false;
    const server = await serve(async () => {
      begun = true;
      await finish;
      return OK;
    });
    const client = await open(server);
    client.send(REQUEST);
    await until(() => begun);
    const closed = server.close();
    resolve();
    await closed;
    await until(() => client.received.ended);
    expect(client.received.text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n.*"done"$/s);
  });

  test('makes waiting handlers answer at once', async () => {
    let waiting = 0;
    const server = await serve(async ({ signal }) => {
      waiting += 1;
      await aborted(signal);
      return OK;
    });
    const clients = await Promise.all([open(server), open(server)]);
    for (const { send } of clients) send(REQUEST);
    await until(() => waiting === 2);
    await server.close();
    await until(() => clients.every(({ received }) => received.ended));
    for (const { received } of clients) expect(received.text).toContain('200 OK');
    expect(logLines).toEqual([]);
  });

  test('ends streams that began long before', async () => {
    const server = await serve(async ({ signal }) => ({
      status: 200,
      stream: async (response) => {
        response.write('first');
        await aborted(signal);
        response.end('last');
      },
    }));
    const client = await open(server);
    client.send(REQUEST);
    await until(() => client.received.text.includes('first'));
    await server.close();
    await until(() => client.received.ended);
    expect(client.received.text).toContain('last');
    expect(logLines).toEqual([]);
  });

  test('still answers a request that was on its way on an open connection', async () => {
    const server = await serve(async () => OK);
    const client = await open(server);
    client.send(REQUEST);
    await until(() => client.received.text.endsWith('"done"'));
    expect(client.received.text).not.toContain('Connection: close');
    client.received.text = '';
    const closed = server.close();
    client.send(REQUEST);
    await closed;
    await until(() => client.received.ended);
    expect(client.received.text).toMatch(/200 OK.*"done"$/s);
  });

  test('fails no client that keeps asking on open connections', async () => {
    const server = await serve(async () => OK);
    const failures: unknown[] = [];
    let answered = 0;
    const askUntilTold = async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      closers.push(() => agent.destroy());
      for (;;) {
        const response = await new Promise<IncomingMessage>((resolve, reject) => {
          get(`${server.url}/wait`, { agent }, (one) => one.resume().once('end', () => resolve(one))).on(
            'error',
            reject,
          );
        });
        answered += 1;
        if (response.statusCode !== 200) failures.push(response.statusCode);
        if (response.headers.connection === 'close') return;
      }
    };
    const clients = Array.from({ length: 16 }, () => askUntilTold().catch((error) => failures.push(error)));
    await until(() => answered > 200);
    await server.close();
    await Promise.all(clients);
    expect(failures).toEqual([]);
    expect(logLines).toEqual([]);
  });

  test('answers what came while the process stood still', async () => {
    const server = await serve(async () => OK);
    const client = await open(server);
    client.send(REQUEST);
    await until(() => client.received.text.endsWith('"done"'));
    client.received.text = '';
    const closed = server.close();
    await until(() => refusesConnections(server));
    client.send(REQUEST);
    standStill();
    await closed;
    await until(() => client.received.ended);
    expect(client.received.text).toMatch(/200 OK.*"done"$/s);
  });

  test('does not wait for connections without any request', async () => {
    const server = await serve(async () => OK);
    const client = await open(server);
    await server.close();
    await until(() => client.received.ended);
    expect(logLines).toEqual([]);
  });

  test('still serves new clients for a moment, while readiness tells a balancer to send none', async () => {
    const server = await serve(async () => OK);
    // One client is connected, so there may be a balancer that sends more.
    const known = await open(server);
    known.send(REQUEST);
    await until(() => known.received.text.endsWith('"done"'));
    const closed = server.close();
    const clients = await Promise.all([open(server), open(server)]);
    clients[0]!.send(REQUEST);
    clients[1]!.send('GET /health/ready HTTP/1.1\r\nHost: test\r\n\r\n');
    await closed;
    await until(() => clients.every(({ received }) => received.ended));
    // The clients keep their connections. If they reconnected for each request, the listener could close under some of them.
    expect(clients[0]!.received.text).toMatch(/200 OK.*Connection: keep-alive.*"done"$/s);
    expect(clients[1]!.received.text).toMatch(
      /503 Service Unavailable.*Connection: keep-alive.*the service is stopping/s,
    );
  });

  test('takes no new connections once it is closed', async () => {
    const server = await serve(async () => OK);
    await server.close();
    await expect(fetch(`${server.url}/wait`)).rejects.toThrow();
  });

  test('cuts off requests that do not end', async () => {
    const server = await serve(() => new Promise(() => {}));
    const client = await open(server);
    client.send(REQUEST);
    await server.close();
    await until(() => client.received.ended);
    expect(client.received.text).toBe('');
    expect(logLines.join()).toContain('requests were cut off');
  });

  test('answers that the service is stopping when a handler gives up because of it', async () => {
    let waiting = false;
    const server = await serve(async ({ signal }) => {
      waiting = true;
      await aborted(signal);
      return signal.throwIfAborted() ?? OK;
    });
    const client = await open(server);
    client.send(REQUEST);
    await until(() => waiting);
    await server.close();
    await until(() => client.received.ended);
    expect(client.received.text).toMatch(/503 Service Unavailable.*The service is stopping/s);
  });
});

describe('a server', () => {
  test('signals the handler when the client has gone', async () => {
    const heard: string[] = [];
    const server = await serve(async ({ signal }) => {
      heard.push('asked');
      await aborted(signal);
      heard.push('gone');
      return OK;
    });
    const client = await open(server);
    client.send(REQUEST);
    await until(() => heard.length === 1);
    client.socket.destroy();
    await until(() => heard.length === 2);
    expect(heard).toEqual(['asked', 'gone']);
  });

  test.each([
    ['headers above 16 kB', `GET / HTTP/1.1\r\nHost: test\r\nX-Long: ${'a'.repeat(17_000)}\r\n\r\n`, 431],
    ['what is not HTTP', 'HELO test\r\n\r\n', 400],
    [
      'a request with two lengths',
      `${REQUEST.trim()}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`,
      400,
    ],
  ])('refuses %s with a problem', async (_, text, status) => {
    const client = await open(await serve(async () => OK));
    client.send(text);
    await until(() => client.received.ended);
    expect(client.received.text).toMatch(new RegExp(`^HTTP/1.1 ${status} .*application/problem\\+json`, 's'));
    const [head, body] = client.received.text.split('\r\n\r\n') as [string, string];
    expect(head).toContain('Cache-Control: no-store');
    expect(JSON.parse(body)).toMatchObject({ status });
  });

  test('does not write a refusal into an answer that has begun', async () => {
    const server = await serve(async ({ signal }) => ({
      status: 200,
      stream: async (response) => {
        response.write('first');
        await aborted(signal);
      },
    }));
    const client = await open(server);
    client.send(REQUEST);
    await until(() => client.received.text.includes('first'));
    client.send('nonsense\r\n\r\n');
    await until(() => client.received.ended);
    expect(client.received.text).not.toContain('400');
  });

  test('reports when its address is taken', async () => {
    const { port } = await serve(async () => OK);
    const logger = createLogger({ name: 'test', level: 'silent' });
    const app = (() => {}) as unknown as Parameters<typeof startServer>[0];
    await expect(startServer(app, { host: '127.0.0.1', port, logger })).rejects.toThrow('EADDRINUSE');
  });
});
