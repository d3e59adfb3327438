import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A host that sends a file of products (CSV, the price in cents in its last column) as fast as it is taken. */
export type Supplier = {
  readonly url: string;
  /** The `host:port` by which it is allowed. */
  readonly host: string;
  readonly productIds: readonly string[];
  /** The sum of all prices. */
  cents(): number;
  /** Sends a file from now on in which everything costs a cent more. */
  raisePrices(): void;
  close(): Promise<void>;
};

export async function openSupplier(csv: string): Promise<Supplier> {
  const [header, ...lines] = csv.trimEnd().split('\n');
  const products = lines.map((line) => {
    const comma = line.lastIndexOf(',');
    return { text: line.slice(0, comma), cents: Number(line.slice(comma + 1)) };
  });
  let raised = 0;
  const fileNow = () =>
    Buffer.from(`${header}\n${products.map(({ text, cents }) => `${text},${cents + raised}\n`).join('')}`);
  let file = fileNow();
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/csv', etag: `"${raised}"` }).end(file);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}/products.csv`,
    host,
    productIds: products.map(({ text }) => text.slice(0, text.indexOf(','))),
    cents: () => products.reduce((sum, { cents }) => sum + cents + raised, 0),
    raisePrices: () => {
      raised += 1;
      file = fileNow();
    },
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
