/**
 * A client as an outsider would write it: with types that a foreign tool generates from the services' documents, and nothing
 * else from this repository. It puts a product on sale, shops for it, reads the counts, and prints the answers. Its types are
 * generated beside a copy of it (generated-client.e2e.test.ts), so it compiles only there.
 */
import createClient from 'openapi-fetch';
import type { operations as CartOperations, paths as CartPaths } from './cart-service.ts';
import type { operations as CatalogOperations, paths as CatalogPaths } from './catalog-service.ts';
import type { paths as WorkerPaths } from './catalog-worker.ts';
import type { operations as TrackingOperations, paths as TrackingPaths } from './shopper-tracking-service.ts';

/** `urls` by service and `tokens` by role, as JSON. */
const { urls, tokens } = JSON.parse(process.argv[2]!) as Record<'urls' | 'tokens', Record<string, string>>;

const clientOf = <Paths extends object>(service: string, role?: string) =>
  createClient<Paths>({
    baseUrl: urls[service]!,
    ...(role !== undefined && { headers: { authorization: `Bearer ${tokens[role]}` } }),
  });

/** Only the declared headers, without the index signature for any other. */
type Declared<Headers> = keyof {
  [Name in keyof Headers as string extends Name ? never : Name]: Headers[Name];
};

/** Reads the headers that an operation declares for an answer, and only these. Throws if one is missing. */
const headersOf =
  <Answer extends { headers: object }>(response: Response) =>
  (name: Declared<Answer['headers']> & string): string => {
    const value = response.headers.get(name);
    if (value === null) throw new Error(`${response.url} sent no ${name}`);
    return value;
  };

/** The answer's body. Throws if the answer is a problem. */
function dataOf<Data>({ data, error, response }: { data?: Data; error?: unknown; response: Response }): Data {
  if (data === undefined) throw new Error(`${response.url}: ${response.status} ${JSON.stringify(error)}`);
  return data;
}

const lastPart = (location: string): string => location.split('/').at(-1)!;

const MS_PER_S = 1_000;
const PRODUCT = 'generated-client-tea';

async function putOnSale() {
  const catalog = clientOf<CatalogPaths>('catalog-service', 'catalog');
  const accepted = await catalog.PUT('/products/{id}', {
    params: { path: { id: PRODUCT } },
    body: { name: 'Tea', price: { amount: 399, currency: 'USD' } },
  });
  dataOf(accepted);
  const headers = headersOf<CatalogOperations['putProductsId']['responses'][202]>(accepted.response);
  const jobId = lastPart(headers('Location'));
  for (let waitS = headers('Retry-After'); ; ) {
    await new Promise((resolve) => setTimeout(resolve, Number(waitS) * MS_PER_S));
    const looked = await catalog.GET('/jobs/{jobId}', { params: { path: { jobId } } });
    const { state, result } = dataOf(looked);
    if (state !== 'queued' && state !== 'active') return { state, result };
    waitS = headersOf<CatalogOperations['getJobsJobId']['responses'][200]>(looked.response)('Retry-After');
  }
}

async function readProduct() {
  const catalog = clientOf<CatalogPaths>('catalog-service', 'shopper');
  const path = { id: PRODUCT };
  const first = await catalog.GET('/products/{id}', { params: { path } });
  const { name, price } = dataOf(first);
  const headers = headersOf<CatalogOperations['getProductsId']['responses'][200]>(first.response);
  const again = await catalog.GET('/products/{id}', {
    params: { path, header: { 'If-None-Match': headers('ETag') } },
  });
  return { name, price, again: again.response.status };
}

async function shop() {
  const cart = clientOf<CartPaths>('cart-service', 'shopper');
  const open = () => cart.POST('/carts', { params: { header: { 'Idempotency-Key': 'open' } } });
  const opened = await open();
  dataOf(opened);
  const created = headersOf<CartOperations['postCarts']['responses'][201]>;
  const location = created(opened.response)('Location');
  const replayed = created((await open()).response);
  const path = { cartId: lastPart(location) };

  const written = await cart.POST('/carts/{cartId}/items', {
    params: { path, header: { 'Idempotency-Key': 'add', 'If-Match': created(opened.response)('ETag') } },
    body: { items: [{ productId: PRODUCT, quantity: 2 }] },
  });
  const { total } = dataOf(written);
  const headers = headersOf<CartOperations['postCartsCartIdItems']['responses'][200]>(written.response);
  const read = await cart.GET('/carts/{cartId}', { params: { path } });
  const tag = headersOf<CartOperations['getCartsCartId']['responses'][200]>(read.response)('ETag');
  const unchanged = await cart.GET('/carts/{cartId}', { params: { path, header: { 'If-None-Match': tag } } });
  const late = await cart.POST('/carts/{cartId}/items', {
    params: { path, header: { 'If-Match': created(opened.response)('ETag') } },
    body: { items: [{ productId: PRODUCT, quantity: 1 }] },
  });
  return {
    position: headers('Position'),
    said: {
      replayed: replayed('Idempotent-Replayed'),
      sameCart: replayed('Location') === location,
      total,
      quantities: dataOf(read).items.map(({ quantity }) => quantity),
      unchanged: unchanged.response.status,
      late: late.error && { status: late.error.status, type: late.error.type },
    },
  };
}

async function count(position: string) {
  const tracking = clientOf<TrackingPaths>('shopper-tracking-service', 'business');
  const counted = await tracking.GET('/products/{id}/counts', {
    params: { path: { id: PRODUCT }, header: { 'Consistent-With': position, Prefer: 'wait=30' } },
  });
  const { unitsAdded } = dataOf(counted);
  const headers = headersOf<TrackingOperations['getProductsIdCounts']['responses'][200]>(counted.response);
  return {
    unitsAdded,
    reaches: headers('Position') !== '',
    asOf: !Number.isNaN(Date.parse(headers('As-Of'))),
  };
}

async function operate() {
  const tracking = clientOf<TrackingPaths>('shopper-tracking-service', 'operator');
  const parked = dataOf(await tracking.GET('/parked', { params: { query: { state: 'parked', limit: 10 } } }));
  const worker = clientOf<WorkerPaths>('catalog-worker');
  return {
    parked: parked.items.map(({ reason }) => reason),
    worker: dataOf(await worker.GET('/health/live')),
  };
}

const sale = await putOnSale();
const product = await readProduct();
const { position, said: cart } = await shop();
const counts = await count(position);
process.stdout.write(JSON.stringify({ sale, product, cart, counts, operations: await operate() }));
