/**
 * The upstream of imports: a host that offers any number of feeds, each with the same products. It
 * sends them slowly, so that faults come upon imports in the middle, and has entity tags and ranges.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { feedOf, feedText } from '../load/feeds.ts';

export type Supplier = { readonly port: number; close(): Promise<void> };

const BYTES_A_STEP = 16_384;
const PAUSE_MS = 250;

export async function openSupplier(host: string): Promise<Supplier> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answer({ url, headers }: IncomingMessage, response: ServerResponse): Promise<void> {
  const feed = feedOf(url ?? '');
  if (feed === undefined) return void response.writeHead(404).end();
  const bytes = Buffer.from(feedText(feed));
  const etag = `"${feed}"`;
  const given = /^bytes=([0-9]+)-$/.exec(headers.range ?? '')?.[1];
  const from = given !== undefined && headers['if-range'] === etag ? Number(given) : undefined;
  if (from !== undefined && from >= bytes.length)
    return void response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
  response.writeHead(from === undefined ? 200 : 206, {
    etag,
    'content-length': bytes.length - (from ?? 0),
    ...(from !== undefined && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
  });
  for (let at = from ?? 0; at < bytes.length && !response.destroyed; at += BYTES_A_STEP) {
    response.write(bytes.subarray(at, at + BYTES_A_STEP));
    await sleep(PAUSE_MS);
  }
  response.end();
}
