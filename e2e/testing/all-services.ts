/**
 * For tests about every route: all services in this process, each with its own databases, the operations of their OpenAPI
 * documents, and a caller for each role.
 */
import { writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { startCartService } from '@micromart/cart-service/service';
import { startCatalogService } from '@micromart/catalog-service/service';
import { startCatalogWorker } from '@micromart/catalog-service/worker';
import type { Role } from '@micromart/http/authentication/authentication';
import { createLogger } from '@micromart/process/logger';
import { startTrackingService } from '@micromart/shopper-tracking-service/service';
import { openTestIssuer, type TestIssuer } from '@micromart/testing/http';
import { openTestDatabase } from '@micromart/testing/postgres';
import { serviceSettings } from '@micromart/testing/service-settings';
import { until } from '@micromart/testing/until';
import { type OpenApi, type Operation, operationsOf } from './operations.ts';

export type Reply = {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  // biome-ignore lint/suspicious/noExplicitAny: the tests check what a body contains.
  readonly body: any;
};

export type Asking = {
  readonly method: string;
  /** As sent; nothing is encoded any more. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent unchanged, with its length; several parts in chunks. */
  readonly body?: string | readonly string[] | undefined;
};

export type AllServices = {
  readonly urls: Readonly<Record<ServiceName, string>>;
  readonly issuer: TestIssuer;
  readonly documents: ReadonlyMap<ServiceName, OpenApi>;
  /** All operations that the documents declare. */
  readonly operations: readonly Operation[];
  /** Sends a request with a token that allows the operation, or with `as`. */
  ask(operation: Pick<Operation, 'service' | 'roles'>, asking: Asking, as?: string): Promise<Reply>;
  token(role: Role, subject?: string): Promise<string>;
  close(): Promise<void>;
};

const SERVICES = ['cart-service', 'catalog-service', 'catalog-worker', 'shopper-tracking-service'] as const;
export type ServiceName = (typeof SERVICES)[number];

export async function openAllServices(): Promise<AllServices> {
  const [issuer, ...databases] = await Promise.all([
    openTestIssuer(),
    openTestDatabase(),
    openTestDatabase(),
    openTestDatabase(),
    openTestDatabase(),
  ]);
  const [carts, products, queue, tracking] = databases.map(({ url }) => url) as [
    string,
    string,
    string,
    string,
  ];
  const SERVICE_TOKEN_FILE = `${issuer.jwks}.token`;
  await writeFile(SERVICE_TOKEN_FILE, await issuer.token({ subject: 'services', roles: ['service'] }));
  const settings = {
    ...serviceSettings(issuer),
    SERVICE_TOKEN_FILE,
  };
  const logger = createLogger({ name: 'test', level: 'silent' });
  const stores = { ...settings, STORE_URL: products, QUEUE_URL: queue };
  const worker = await startCatalogWorker(
    { ...stores, IMPORT_ALLOWED_HOSTS: new Set<string>(), API_ROLE: undefined, KAFKA_PUBLISH_URL: undefined },
    logger,
  );
  const catalog = await startCatalogService(
    { ...stores, CACHE_MAX_AGE: 3_600, CACHE_MAX_AGE_REVALIDATED: 1_800 },
    logger,
  );
  const cart = await startCartService({ ...settings, STORE_URL: carts, CATALOG_URL: catalog.url }, logger);
  const tracker = await startTrackingService(
    {
      ...settings,
      STORE_URL: tracking,
      CART_EVENTS_URL: `${cart.url}/events`,
      CATALOG_URL: catalog.url,
      READY_MAX_LAG_MS: 30_000,
    },
    logger,
  );
  const urls = {
    'cart-service': cart.url,
    'catalog-service': catalog.url,
    'catalog-worker': worker.url,
    'shopper-tracking-service': tracker.url,
  };
  await until(async () => (await fetch(`${tracker.url}/health/ready`)).ok);

  const tokens = new Map<string, Promise<string>>();
  const token = (role: Role, subject = `some-${role}`): Promise<string> => {
    const name = `${role} ${subject}`;
    const known = tokens.get(name) ?? issuer.token({ subject, roles: [role] });
    tokens.set(name, known);
    return known;
  };
  const documents = await Promise.all(
    SERVICES.map(async (service) => ({
      service,
      document: (await (await fetch(`${urls[service]}/openapi.json`)).json()) as OpenApi,
    })),
  );

  return {
    urls,
    issuer,
    documents: new Map(documents.map(({ service, document }) => [service, document])),
    operations: documents.flatMap(({ service, document }) => operationsOf(service, document)),
    token,
    async ask({ service, roles: [role] }, asking, as) {
      const bearer = as ?? (role && (await token(role)));
      return send(urls[service as ServiceName], asking, bearer);
    },
    async close() {
      await Promise.all([cart, catalog, tracker].map((one) => one.close()));
      await worker.close();
      await Promise.all([...databases.map((one) => one.close()), issuer.close()]);
    },
  };
}

/** One request by Node's own client, which sends paths and headers unchanged. */
async function send(url: string, { method, path, headers, body }: Asking, token?: string): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = request(url, {
    method,
    path,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(typeof body === 'string' && { 'content-length': String(Buffer.byteLength(body)) }),
      ...headers,
    },
  });
  outgoing.once('response', resolve).once('error', reject);
  for (const part of [body ?? []].flat()) outgoing.write(part);
  outgoing.end();
  const incoming = await promise;
  const isEndless = incoming.headers['content-type'] === 'text/event-stream';
  if (isEndless) incoming.destroy();
  const received = isEndless ? '' : await text(incoming);
  const isJson = /[/+]json$/.test(incoming.headers['content-type'] ?? '');
  return {
    status: incoming.statusCode!,
    headers: incoming.headers,
    body: received !== '' && isJson ? JSON.parse(received) : received,
  };
}
