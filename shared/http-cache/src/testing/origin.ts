/** An origin for tests of the caching client: a real server whose answers and time the test controls. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSend } from '@micromart/http/client/send';
import {
  CACHE_LIMITS,
  type CacheLimits,
  type CachingClient,
  createCachingClient,
} from '../caching-client.ts';
import type { CacheMeter } from '../metrics.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export type TestOrigin = {
  readonly url: string;
  /** The requests received so far. */
  readonly requests: readonly IncomingMessage[];
  /** The outcome of every request that its clients have sent. */
  readonly attempts: readonly ('answered' | 'failed')[];
  /** Answers requests from now on. */
  answer: Handler;
  /** Milliseconds since 1970; stands still unless the test moves it. */
  nowMs: number;
  /** Moves its time. */
  pass(seconds: number): void;
  /** Refuses connections until it is started again, on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
  client(limits?: Partial<CacheLimits>): CachingClient;
  close(): Promise<void>;
};

export const silentMeter: CacheMeter = {
  answered() {},
  collapsed() {},
  requested() {},
  evicted() {},
  stored() {},
};

export async function openOrigin(): Promise<TestOrigin> {
  const requests: IncomingMessage[] = [];
  const attempts: ('answered' | 'failed')[] = [];
  const handle: Handler = (request, response) => {
    requests.push(request);
    response.sendDate = false;
    response.setHeader('date', new Date(origin.nowMs).toUTCString());
    origin.answer(request, response);
  };
  let server = createServer(handle);
  let port = 0;
  const origin: TestOrigin = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    requests,
    attempts,
    answer: (_, response) => response.end(),
    nowMs: Date.parse('2026-11-01T09:30:00Z'),
    pass(seconds) {
      origin.nowMs += seconds * 1_000;
    },
    async start() {
      server = createServer(handle).listen(port, '127.0.0.1');
      await once(server, 'listening');
      port = (server.address() as AddressInfo).port;
    },
    async stop() {
      if (!server.listening) return;
      server.close().closeAllConnections();
      await once(server, 'close');
    },
    client: (limits = {}) =>
      createCachingClient({
        name: 'test',
        send: createSend({ connections: 8 }),
        meter: { ...silentMeter, requested: (outcome) => attempts.push(outcome) },
        clock: () => origin.nowMs,
        limits: { ...CACHE_LIMITS, ...limits },
      }),
    close: () => origin.stop(),
  };
  await origin.start();
  return origin;
}

/** A handler that always gives the same answer. */
export const answering =
  (text: string, headers: Record<string, string>, status = 200): Handler =>
  (_, response) =>
    response.writeHead(status, headers).end(text);

/** A handler for a tagged answer: a client that has it gets a 304 with half an hour's lifetime. */
export const tagged =
  (text: string, tag: string, cacheControl = 'max-age=3600'): Handler =>
  (request, response) =>
    request.headers['if-none-match'] === tag
      ? response.writeHead(304, { etag: tag, 'cache-control': 'max-age=1800' }).end()
      : response.writeHead(200, { etag: tag, 'cache-control': cacheControl }).end(text);
