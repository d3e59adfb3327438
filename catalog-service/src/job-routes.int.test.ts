import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger } from '@micromart/process/logger';
import type { Running } from '@micromart/service/run';
import { serviceSettings } from '@micromart/testing/service-settings';
import { until } from '@micromart/testing/until';
import { startCatalogService } from './service.ts';
import { openTestCatalog, type TestCatalog } from './testing/catalog.ts';
import { ndjsonFeed, openTestUpstream, type TestUpstream } from './testing/upstream.ts';

/** The API; from the second half on a worker runs too. */
let catalog: TestCatalog;
let upstream: TestUpstream;
let service: Running;
let worker: Running | undefined;
let token: string;
let shopper: string;

beforeAll(async () => {
  catalog = await openTestCatalog();
  upstream = await openTestUpstream(`${ndjsonFeed(3)}nonsense\n`);
  service = await startCatalogService(
    {
      ...serviceSettings(catalog.issuer),
      STORE_URL: catalog.store.url,
      QUEUE_URL: catalog.queue.url,
      CACHE_MAX_AGE: 600,
      CACHE_MAX_AGE_REVALIDATED: 300,
    },
    createLogger({ name: 'catalog-service', level: 'silent' }),
  );
  [token, shopper] = await Promise.all([
    catalog.issuer.token({ subject: 'carla', roles: ['catalog'] }),
    catalog.issuer.token({ subject: 'alice', roles: ['shopper', 'business', 'service'] }),
  ]);
});

afterAll(async () => {
  await Promise.all([service.close(), worker?.close()]);
  await Promise.all([catalog.close(), upstream.close()]);
});

// biome-ignore lint/suspicious/noExplicitAny: the tests check what a body contains.
type Reply = { status: number; headers: Headers; body: any };

async function call(
  method: string,
  path: string,
  { body, headers = {}, as = token }: { body?: unknown; headers?: Record<string, string>; as?: string } = {},
): Promise<Reply> {
  const response = await fetch(service.url + path, {
    method,
    headers: {
      authorization: `Bearer ${as}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const TEA = { name: 'Tea', price: { amount: 250, currency: 'USD' } };
const ended = (location: string) =>
  until(async () => {
    const reply = await call('GET', location);
    return reply.body.finishedAt && reply;
  });

describe('before there is a worker', () => {
  test('nothing is accepted, and no job is called unknown', async () => {
    const answers = await Promise.all([
      call('PUT', '/products/tea', { body: TEA }),
      call('POST', '/imports', { body: { url: upstream.url } }),
      call('GET', `/jobs/${randomUUID()}`),
      call('GET', '/jobs'),
    ]);
    for (const { status, headers } of answers) {
      expect([status, headers.get('retry-after')]).toEqual([503, expect.any(String)]);
    }
  });
});

describe('with a worker', () => {
  beforeAll(async () => {
    worker = await catalog.startWorker({ allowed: [upstream.host] });
  });

  test('writing a product makes a job, which exists from the answer on', async () => {
    const put = await call('PUT', '/products/tea', { body: TEA });
    expect(put.status).toBe(202);
    expect(put.headers.get('location')).toBe(`/jobs/${put.body.id}`);
    expect(put.headers.get('retry-after')).toBe('1');
    expect(put.body).toMatchObject({
      kind: 'put',
      productId: 'tea',
      state: 'queued',
      progress: { done: 0, total: 1 },
      result: null,
      position: null,
      rejectedRows: [],
    });
    expect((await call('GET', put.headers.get('location')!)).status).toBe(200);
    const done = await ended(put.headers.get('location')!);
    expect(done.headers.get('retry-after')).toBeNull();
    expect(done.body).toMatchObject({
      state: 'done',
      progress: { done: 1, total: 1 },
      attempts: 1,
      result: 'applied',
      position: expect.stringMatching(/^catalog-[0-9a-f]{8}\/[0-9]+@[0-9]+$/),
      error: null,
    });
    expect((await call('GET', '/products/tea')).body).toMatchObject({ id: 'tea', version: 1, ...TEA });
  });

  test('a product is withdrawn', async () => {
    await ended((await call('PUT', '/products/old', { body: TEA })).headers.get('location')!);
    const withdrawn = await call('DELETE', '/products/old');
    expect(withdrawn.status).toBe(202);
    expect((await ended(withdrawn.headers.get('location')!)).body).toMatchObject({ result: 'applied' });
    expect((await call('GET', '/products/old')).status).toBe(410);
  });

  test('a change whose If-Match does not hold ends as a failed job', async () => {
    const put = await call('PUT', '/products/new', { body: TEA, headers: { 'if-match': '"other"' } });
    expect(put.status).toBe(202);
    expect((await ended(put.headers.get('location')!)).body).toMatchObject({
      state: 'failed',
      error: { code: 'precondition-failed', detail: expect.any(String) },
    });
  });

  test('an import reports its results, row by row', async () => {
    const posted = await call('POST', '/imports', { body: { url: upstream.url } });
    expect(posted.body).toMatchObject({
      kind: 'import',
      url: upstream.url,
      progress: { done: 0, total: null },
    });
    expect((await ended(posted.headers.get('location')!)).body).toMatchObject({
      state: 'done',
      progress: { done: 4, total: 4, doneBytes: upstream.file.length, totalBytes: upstream.file.length },
      result: { applied: 3, unchanged: 0, superseded: 0 },
      position: expect.stringMatching(/^catalog-/),
      rejected: 1,
      rejectedRows: [{ row: 4, message: 'is not valid JSON' }],
    });
  });

  test('jobs are listed, newest first, page by page', async () => {
    const first = await call('GET', '/jobs?state=done&limit=2');
    expect(first.body.items).toHaveLength(2);
    const next = await call('GET', `/jobs?state=done&limit=1000&cursor=${first.body.next}`);
    const numbers = [...first.body.items, ...next.body.items].map(({ number }) => number);
    expect(numbers).toEqual([...numbers].sort((a, b) => b - a));
    expect(next.body.next).toBeNull();
    expect((await call('GET', `/jobs?state=failed&cursor=${first.body.next}`)).status).toBe(400);
    expect((await call('GET', '/jobs?state=lost')).status).toBe(400);
  });

  test('an import is cancelled while its upstream is silent', async () => {
    upstream.manners = { stallAt: 0 };
    const posted = await call('POST', '/imports', { body: { url: upstream.url } });
    const location = posted.headers.get('location')!;
    await until(async () => (await call('GET', location)).body.state === 'active');
    const asked = await call('DELETE', location);
    expect([asked.status, asked.body.cancelRequested]).toEqual([202, true]);
    expect((await ended(location)).body).toMatchObject({ state: 'cancelled', cancelRequested: true });
    expect((await call('DELETE', location)).status).toBe(409);
  });

  test('a job that never existed is not found', async () => {
    const unknown = `/jobs/${randomUUID()}`;
    expect((await call('GET', unknown)).status).toBe(404);
    expect((await call('DELETE', unknown)).status).toBe(404);
    expect((await call('GET', '/jobs/1')).status).toBe(400);
  });

  test('a deleted job is gone', async () => {
    const location = (await call('PUT', '/products/tea', { body: TEA })).headers.get('location')!;
    const { id } = (await ended(location)).body;
    await catalog.queue.admin.query(
      'WITH old AS (DELETE FROM jobs WHERE id = $1 RETURNING id) INSERT INTO jobs_gone SELECT id FROM old',
      [id],
    );
    expect((await call('GET', location)).status).toBe(410);
    expect((await call('DELETE', location)).status).toBe(410);
  });

  test.each([
    ['a price that is no whole number', { name: 'Tea', price: { amount: 2.5, currency: 'USD' } }],
    ['no price', { name: 'Tea' }],
    ['an id of its own', { ...TEA, id: 'tea' }],
  ])('a product with %s is refused', async (_, body) => {
    expect((await call('PUT', '/products/tea', { body })).status).toBe(400);
  });

  test.each([
    'ftp://feeds.example/',
    'https://user:secret@feeds.example/',
    'feeds.example',
    '',
    ' https://feeds.example/',
    'https://feeds.exa\tmple/',
    'https://feeds.example/\0',
    'https://feeds.example/\ud800',
    `https://feeds.example/${'a'.repeat(3_000)}`,
  ])('an import from %j is refused', async (url) => {
    expect((await call('POST', '/imports', { body: { url } })).status).toBe(400);
  });

  test('the address of a feed is shown as it is requested', async () => {
    const { status, body } = await call('POST', '/imports', { body: { url: 'http://127.0.0.1:1/größe' } });
    expect([status, body.url]).toEqual([202, 'http://127.0.0.1:1/gr%C3%B6%C3%9Fe']);
  });

  test('a malformed If-Match is refused', async () => {
    expect((await call('PUT', '/products/tea', { body: TEA, headers: { 'if-match': 'tea' } })).status).toBe(
      400,
    );
  });

  test.each([
    ['PUT', '/products/tea', TEA],
    ['DELETE', '/products/tea', undefined],
    ['POST', '/imports', { url: 'https://feeds.example/' }],
    ['GET', '/jobs', undefined],
    ['GET', `/jobs/${randomUUID()}`, undefined],
    ['DELETE', `/jobs/${randomUUID()}`, undefined],
  ])('%s %s is for the role catalog alone', async (method, path, body) => {
    expect((await call(method, path, { body, as: shopper })).status).toBe(403);
  });
});
