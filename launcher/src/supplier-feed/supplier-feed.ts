/**
 * A supplier's host for the demo: feeds of its products, as CSV, compressed CSV and NDJSON, with entity tags and ranges. To
 * show how the catalog handles a bad host, a request may ask for faults:
 *
 * - `?delayMs=n` waits so long before each thousand lines (in a compressed file, before each 64 kB);
 * - `?failAt=n` breaks off before line n, at every request;
 * - `?status=n` answers with that status, and no feed.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Running } from '@micromart/service/run';
import { type Feed, feedsOf, startOfLine } from './feeds.ts';

const LINES_A_STEP = 1_000;
const PACKED_BYTES_A_STEP = 65_536;
const MAX_DELAY_MS = 600_000;
const SILENCE_TIMEOUT_MS = 120_000;

/** Serves the feeds of a file (gzipped CSV). */
export async function startSupplierFeed({
  host,
  port,
  file,
}: {
  host: string;
  port: number;
  file: URL | string;
}): Promise<Running> {
  const feeds = await feedsOf(await readFile(file));
  const server = createServer((request, response) => {
    answer(request, response, feeds).catch(() => response.destroy());
  });
  // Node's own 5 s end connections that a busy client is about to use again.
  server.keepAliveTimeout = SILENCE_TIMEOUT_MS;
  server.timeout = SILENCE_TIMEOUT_MS + MAX_DELAY_MS;
  server.listen(port, host);
  await once(server, 'listening');
  const { port: given } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${given}`,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(
  { method, url = '/', headers }: IncomingMessage,
  response: ServerResponse,
  feeds: ReadonlyMap<string, Feed>,
): Promise<void> {
  const { pathname, searchParams } = new URL(url, 'http://supplier');
  const feed = feeds.get(pathname);
  const manner = (name: string) => numberOf(searchParams.get(name));
  if (pathname.startsWith('/health/')) return void response.end('{"ready":true}');
  if (method !== 'GET' && method !== 'HEAD')
    return void response.writeHead(405, { allow: 'GET, HEAD' }).end();
  const status = manner('status');
  if (!feed || (status !== undefined && status >= 400 && status < 600)) {
    return void response.writeHead(feed ? status! : 404).end();
  }

  const { bytes, etag, type } = feed;
  if (headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end();
  const from = rangeStart(headers, etag);
  if (from !== undefined && from >= bytes.length) {
    return void response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
  }
  response.writeHead(from === undefined ? 200 : 206, {
    'accept-ranges': 'bytes',
    'content-type': type,
    'content-length': bytes.length - (from ?? 0),
    etag,
    ...(from !== undefined && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
  });
  if (method === 'HEAD') return void response.end();
  const failAt = manner('failAt');
  await send(response, feed, {
    from: from ?? 0,
    delayMs: Math.min(manner('delayMs') ?? 0, MAX_DELAY_MS),
    breakAt: failAt === undefined ? bytes.length : startOfLine(bytes, failAt),
  });
}

/** The start of a range from a byte to the end, the only form supported here (RFC 9110, 14.1). */
function rangeStart(
  { range, 'if-range': ifRange }: IncomingMessage['headers'],
  etag: string,
): number | undefined {
  if (ifRange !== undefined && ifRange !== etag) return undefined;
  return numberOf(/^bytes=([0-9]+)-$/.exec(String(range ?? ''))?.[1]);
}

const numberOf = (text: string | null | undefined): number | undefined =>
  text && /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined;

async function send(
  response: ServerResponse,
  { bytes, type }: Feed,
  { from, delayMs, breakAt }: { from: number; delayMs: number; breakAt: number },
): Promise<void> {
  for (let at = from; at < bytes.length; ) {
    if (delayMs > 0) await sleep(delayMs);
    if (response.destroyed) return;
    const step =
      type === 'application/gzip' ? PACKED_BYTES_A_STEP : startOfLine(bytes.subarray(at), LINES_A_STEP + 1);
    const end = Math.min(at + step, bytes.length, Math.max(at, breakAt));
    if (end > at && !response.write(bytes.subarray(at, end))) await drained(response);
    at = end;
    if (at >= breakAt && breakAt < bytes.length) return void response.socket?.end();
  }
  response.end();
}

/** Resolves when more may be written, or the client has gone. */
const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    response.once('drain', resolve).once('close', resolve);
  });
