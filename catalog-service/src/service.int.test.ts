import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { productContent } from '@micromart/contracts/catalog/product';
import { catalogEvent } from '@micromart/contracts/catalog-events';
import { partitionOf } from '@micromart/events/partition';
import { createLogger } from '@micromart/process/logger';
import type { Running } from '@micromart/service/run';
import { openTestIssuer, type TestIssuer } from '@micromart/testing/http';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { serviceSettings } from '@micromart/testing/service-settings';
import { openTcpProxy, type TcpProxy } from '@micromart/testing/tcp-proxy';
import { until } from '@micromart/testing/until';
import { decideOrder } from './product.ts';
import { startCatalogService } from './service.ts';
import { openCatalogWriter } from './store/open-store.ts';
import type { CatalogWriter } from './store/store.ts';

let database: TestDatabase;
let queue: TestDatabase;
let issuer: TestIssuer;
let proxy: TcpProxy;
let role: string;
let service: Running;
let writer: CatalogWriter;
let token: string;

const fail = (error: unknown) => {
  throw error;
};

beforeAll(async () => {
  [database, queue, issuer] = await Promise.all([openTestDatabase(), openTestDatabase(), openTestIssuer()]);
  const guest = await database.openGuest();
  role = guest.role;
  const store = new URL(guest.url);
  proxy = await openTcpProxy({ host: store.hostname, port: Number(store.port) });
  store.host = `127.0.0.1:${proxy.port}`;
  token = await issuer.token({ subject: 'recommendations', roles: ['service'] });
  service = await startCatalogService(
    {
      ...serviceSettings(issuer),
      STORE_URL: store.href,
      QUEUE_URL: (await queue.openGuest()).url,
      CACHE_MAX_AGE: 600,
      CACHE_MAX_AGE_REVALIDATED: 300,
    },
    createLogger({ name: 'catalog-service', level: 'silent' }),
  );
});

afterAll(async () => {
  await service?.close();
  await writer?.close();
  await proxy?.close();
  await Promise.all([database?.close(), queue?.close(), issuer?.close()]);
});

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(service.url + path, {
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    // biome-ignore lint/suspicious/noExplicitAny: the tests check what a body contains.
    body: (text ? JSON.parse(text) : undefined) as any,
  };
}

describe('the API, started before the worker,', () => {
  test('says what it waits for, and when to try again', async () => {
    const { status, body } = await get('/health/ready');
    expect(status).toBe(503);
    expect(body.parts.store).toEqual({
      ok: false,
      detail: expect.stringContaining('has not created the schema'),
    });
    expect(body.parts.queue.ok).toBe(false);

    const paths = [
      '/products?ids=1',
      '/products/1',
      '/products',
      '/events',
      '/events?after=0@1',
      '/events/0',
    ];
    for (const path of paths) {
      const answer = await get(path);
      expect(answer).toMatchObject({
        status: 503,
        body: {
          type: '/problems/unavailable',
          detail: expect.stringContaining('has not created the schema'),
        },
      });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect((await get('/jobs/9b2f5a52-6c36-4dfb-9a39-6b7bb0a1c001')).status).not.toBe(404);
  });

  test('continues by itself once the schema exists', async () => {
    writer = await openCatalogWriter(database.url, { apiRole: role, onError: fail });
    const content = productContent.parse({ name: 'Bananas', price: { amount: 399, currency: 'USD' } });
    const order = { kind: 'put', content } as const;
    await writer.products.change(
      '1',
      decideOrder(writer.log.name, '1', order, { job: 1, row: 1 }, new Date()),
    );
    expect((await get('/health/ready')).body.parts.store).toEqual({ ok: true });
    expect(await get('/products/1')).toMatchObject({ status: 200, body: { name: 'Bananas', version: 1 } });
  });
});

describe('the API', () => {
  test('gives copies the lifetimes of its settings', async () => {
    const fresh = await get('/products?ids=1');
    expect(fresh.headers.get('cache-control')).toBe('private, max-age=600, stale-if-error=86400');
    const held = await get('/products?ids=1', { 'if-none-match': fresh.headers.get('etag')! });
    expect(held.status).toBe(304);
    expect(held.headers.get('cache-control')).toBe('private, max-age=300, stale-if-error=86400');
    expect(held.headers.get('etag')).toBe(fresh.headers.get('etag'));
    expect(held.headers.has('date')).toBe(true);
  });

  test('serves the feed of the log that the worker writes, and notices its commits', async () => {
    const { body: heads } = await get('/events');
    expect(heads.log).toBe(writer.log.name);
    const partition = partitionOf('2', writer.log.partitions);
    const last = heads.partitions[partition].last;
    const after = heads.partitions
      .map((one: { partition: number; last: number }) => `${one.partition}@${one.last}`)
      .join();
    const held = get(`/events?after=${after}&wait=20&events=10`);
    const content = productContent.parse({ name: 'Pears', price: { amount: 299, currency: 'USD' } });
    await writer.products.change(
      '2',
      decideOrder(writer.log.name, '2', { kind: 'put', content }, { job: 2, row: 1 }, new Date()),
    );
    const { body } = await held;
    expect(body.partitions[partition].last).toBe(last + 1);
    expect(catalogEvent.parse(body.events[0])).toMatchObject({ subject: '2', sequence: String(last + 1) });
    const page = await get(`/events/${partition}?log=${heads.log}&after=${last}`);
    expect(page.body).toEqual(body.events);
  });

  test('describes itself, and the published events', async () => {
    const { body: openapi } = await get('/openapi.json');
    expect(Object.keys(openapi.paths)).toEqual(
      expect.arrayContaining([
        '/products',
        '/products/{id}',
        '/imports',
        '/jobs',
        '/jobs/{jobId}',
        '/events',
      ]),
    );
    const ids = openapi.paths['/products'].get.parameters.find((one: { name: string }) => one.name === 'ids');
    expect(ids).toMatchObject({ in: 'query', schema: { type: 'string' } });
    const { body: asyncapi } = await get('/asyncapi.json');
    expect(Object.keys(asyncapi.channels.events.messages)).toEqual([
      'catalog.product-changed',
      'catalog.product-withdrawn',
    ]);
  });

  test('answers 503 while its store is unavailable, and continues by itself', async () => {
    proxy.cutAll();
    for (const path of ['/products?ids=1', '/products/1', '/products?q=pears', '/events']) {
      const answer = await get(path);
      expect(answer).toMatchObject({ status: 503, body: { type: '/problems/unavailable' } });
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    expect((await get('/health/ready')).body.parts.store.ok).toBe(false);
    proxy.restore();
    await until(async () => (await get('/products/1')).status === 200);
    expect((await get('/health/ready')).body.parts.store).toEqual({ ok: true });
  });
});
