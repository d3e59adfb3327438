/**
 * A supplier's host for tests. It serves one feed, records the requests for it, and misbehaves as a test tells it to.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Manners = {
  /** The answer's status instead of the feed. */
  readonly status?: number;
  /** Sends so many bytes of the file, then nothing more. */
  readonly stallAt?: number;
  /** Sends so many bytes of the file, then breaks off. */
  readonly cutAt?: number;
  readonly redirectTo?: string;
  /** Does not support ranges. */
  readonly rangeless?: boolean;
  /** Sends the file in pieces of so many bytes, with a pause between them. */
  readonly pace?: { readonly bytes: number; readonly pauseMs: number };
  /** Sends this instead of an entity tag; null for none. */
  readonly etag?: string | null;
  /** Sends no length, so that the file ends where the connection does; `cutAt` then resets it. */
  readonly lengthless?: boolean;
  /** More headers, sent as they are: text of bytes as latin1. */
  readonly headers?: Readonly<Record<string, string>>;
};

export type TestUpstream = {
  readonly url: string;
  /** The `host:port` under which it is allowed. */
  readonly host: string;
  file: Buffer;
  manners: Manners;
  /** For each request, the first byte of the answer. */
  readonly served: { readonly from: number; readonly ranged: boolean }[];
  close(): Promise<void>;
};

export async function openTestUpstream(file: Buffer | string, manners: Manners = {}): Promise<TestUpstream> {
  const server = createServer(
    (request, response) => void answer(request, response).catch(() => response.destroy()),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  const upstream: TestUpstream = {
    url: `http://${host}/feed`,
    host,
    file: Buffer.from(file),
    manners,
    served: [],
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  async function answer({ headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { file, manners } = upstream;
    const etag =
      manners.etag === undefined ? `"${createHash('sha256').update(file).digest('hex')}"` : manners.etag;
    if (manners.redirectTo !== undefined) {
      response.writeHead(302, { location: manners.redirectTo }).end();
      return;
    }
    if (manners.status !== undefined) {
      response.writeHead(manners.status).end();
      return;
    }
    const wanted = /^bytes=([0-9]+)-$/.exec(headers.range ?? '')?.[1];
    const ranged = wanted !== undefined && !manners.rangeless && headers['if-range'] === etag;
    const from = ranged ? Number(wanted) : 0;
    upstream.served.push({ from, ranged });
    if (ranged && from >= file.length) {
      response.writeHead(416, { 'content-range': `bytes */${file.length}` }).end();
      return;
    }
    if (manners.lengthless) {
      response.useChunkedEncodingByDefault = false;
      response.shouldKeepAlive = false;
    }
    response.writeHead(ranged ? 206 : 200, {
      ...manners.headers,
      ...(etag !== null && { etag }),
      ...(ranged && { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` }),
      ...(!manners.lengthless && { 'content-length': file.length - from }),
    });
    response.flushHeaders();
    await send(response, from);
  }

  /** Reads the settings anew for each piece, so a test may change them while the file is sent. */
  async function send(response: ServerResponse, from: number): Promise<void> {
    const { file } = upstream;
    for (let at = from; at < file.length; ) {
      const { cutAt = Number.POSITIVE_INFINITY, stallAt = Number.POSITIVE_INFINITY, pace } = upstream.manners;
      const end = Math.min(
        at + (pace?.bytes ?? 16_384),
        file.length,
        Math.max(at, cutAt),
        Math.max(at, stallAt),
      );
      if (end > at && !response.write(file.subarray(at, end))) await once(response, 'drain');
      at = end;
      if (at >= cutAt) {
        if (upstream.manners.lengthless) response.socket!.resetAndDestroy();
        else response.socket!.end();
        return;
      }
      if (at >= stallAt) return;
      if (pace) await new Promise((wake) => setTimeout(wake, pace.pauseMs));
    }
    response.end();
  }

  return upstream;
}

/** A feed of so many products, as NDJSON; prices start at `price`. */
export const ndjsonFeed = (products: number, price = 100): string =>
  Array.from(
    { length: products },
    (_, n) =>
      `${JSON.stringify({ id: `p${n}`, name: `Product ${n}`, price: { amount: price + n, currency: 'USD' } })}\n`,
  ).join('');
