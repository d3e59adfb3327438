/**
 * A stub of the catalog, for tests and benches of its clients. It answers `GET /products?ids=` as the catalog's contract
 * says, with entity tags and 304. Every product exists and is on sale, unless the test says otherwise.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { productsTag } from '@micromart/contracts/catalog/etag';
import type { Product, ProductSet } from '@micromart/contracts/catalog/product';

export type StubCatalog = {
  readonly url: string;
  /** What differs from `stubProduct`, by id; null for a product that the catalog has never known. */
  readonly products: Map<string, Product | null>;
  /** The ids of every request so far. */
  readonly asked: readonly (readonly string[])[];
  /** The Cache-Control of its answers. */
  cacheControl: string;
  /** If set, every request is answered with this status. */
  failing: number | undefined;
  /** Which requests are never answered. */
  late: (ids: readonly string[]) => boolean;
  /** Refuses connections until it is started again, on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
};

const LOG = 'catalog-57ab0000';
const CACHE_CONTROL = 'private, max-age=3600, stale-if-error=86400';

export const stubProduct = (id: string, change: Partial<Product> = {}): Product => ({
  id,
  version: 1,
  name: `Product ${id}`,
  category: null,
  department: null,
  brand: null,
  size: null,
  price: { amount: 399, currency: 'USD' },
  scheduledPrice: null,
  ...change,
});

export type StubAnswer = { readonly status: 200 | 304; readonly etag: string; readonly body?: ProductSet };

/** The contract's answer to a request. */
export function answerProducts(
  ids: readonly string[],
  productOf: (id: string) => Product | null,
  ifNoneMatch: string | undefined,
): StubAnswer {
  const products = ids.toSorted().map((id) => ({ id, product: productOf(id) }));
  const versions = products.map(({ id, product }) => ({ id, version: product?.version ?? 0 }));
  const etag = `"${productsTag(LOG, versions)}"`;
  if (ifNoneMatch === etag) return { status: 304, etag };
  const body = {
    items: products.flatMap(({ product }) => product ?? []),
    missing: products.filter(({ product }) => !product).map(({ id }) => id),
  };
  return { status: 200, etag, body };
}

export async function openStubCatalog({ host = '127.0.0.1', port = 0 } = {}): Promise<StubCatalog> {
  const asked: string[][] = [];
  const server = createServer(({ url = '/', headers }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://catalog');
    if (stub.failing !== undefined) return void response.writeHead(stub.failing).end();
    if (pathname !== '/products') return void response.end('{"ready":true}');
    const ids = searchParams.get('ids')!.split(',');
    asked.push(ids);
    if (stub.late(ids)) return;
    const productOf = (id: string) =>
      stub.products.get(id) ?? (stub.products.has(id) ? null : stubProduct(id));
    const { status, etag, body } = answerProducts(ids, productOf, headers['if-none-match']);
    response.writeHead(status, {
      'cache-control': stub.cacheControl,
      'content-type': 'application/json',
      etag,
    });
    response.end(body && JSON.stringify(body));
  });
  let listeningAt = port;
  const stub: StubCatalog = {
    get url() {
      return `http://${host}:${listeningAt}`;
    },
    products: new Map(),
    asked,
    cacheControl: CACHE_CONTROL,
    failing: undefined,
    late: () => false,
    async start() {
      server.listen(listeningAt, host);
      await once(server, 'listening');
      listeningAt = (server.address() as AddressInfo).port;
    },
    async stop() {
      if (!server.listening) return;
      server.close().closeAllConnections();
      await once(server, 'close');
    },
  };
  await stub.start();
  return stub;
}
