import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';

/** Serves one file to the catalog's worker, which reads feeds only over HTTP, until it is closed. */
export type FeedServer = { readonly url: string; close(): void };

/** Listens at `at`, an address that the worker may read from; port 0 means any. Throws if the port is taken. */
export async function serveFeed(file: string, at: string): Promise<FeedServer> {
  const { size, mtimeMs } = await stat(file);
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': size, etag: `"${size}-${mtimeMs}"` });
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
  });
  const { hostname, port } = new URL(at);
  server.listen(Number(port), hostname.replace(/^\[(.*)\]$/, '$1'));
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new Error(
      `port ${port}, where the demo serves the catalog's feed, is taken: by another npm run demo?`,
    );
  });
  const { port: given } = server.address() as AddressInfo;
  return {
    url: `http://${hostname}:${given}/${encodeURIComponent(basename(file))}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
