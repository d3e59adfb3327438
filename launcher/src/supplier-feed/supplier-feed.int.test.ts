import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { feedLine } from '@micromart/contracts/catalog/product';
import type { Running } from '@micromart/service/run';
import { startSupplierFeed } from './supplier-feed.ts';

const FILE = new URL('../../../demo/data/catalog.csv.gz', import.meta.url);
const PRODUCTS = 1_000;

let supplier: Running;
beforeAll(async () => {
  supplier = await startSupplierFeed({ host: '127.0.0.1', port: 0, file: FILE });
});
afterAll(() => supplier.close());

const get = (path: string, headers: Record<string, string> = {}) => fetch(supplier.url + path, { headers });
const bytes = async (response: Response) => Buffer.from(await response.arrayBuffer());

test('serves the same products in each form', async () => {
  const csv = await bytes(await get('/products.csv'));
  expect(gunzipSync(await bytes(await get('/products.csv.gz')))).toEqual(csv);
  expect(csv.toString().trimEnd().split('\n')).toHaveLength(PRODUCTS + 1);
  const lines = (await bytes(await get('/products.ndjson'))).toString().trimEnd().split('\n');
  expect(lines).toHaveLength(PRODUCTS);
  for (const line of lines) expect(feedLine.safeParse(JSON.parse(line)).error).toBeUndefined();
});

test('sends the rest of a file to a client that has its beginning', async () => {
  const whole = await get('/products.ndjson');
  const etag = whole.headers.get('etag')!;
  const all = await bytes(whole);
  const rest = await get('/products.ndjson', { range: 'bytes=500-', 'if-range': etag });
  expect([rest.status, rest.headers.get('content-range')]).toEqual([
    206,
    `bytes 500-${all.length - 1}/${all.length}`,
  ]);
  expect(await bytes(rest)).toEqual(all.subarray(500));
  expect((await get('/products.ndjson', { range: 'bytes=500-', 'if-range': '"other"' })).status).toBe(200);
  expect((await get('/products.ndjson', { range: `bytes=${all.length}-`, 'if-range': etag })).status).toBe(
    416,
  );
  expect((await get('/products.ndjson', { 'if-none-match': etag })).status).toBe(304);
});

test('keeps a connection for a client that is slow to ask again', async () => {
  const { headers } = await get('/health/ready');
  expect(headers.get('keep-alive')).toBe('timeout=120');
});

test('breaks off, or refuses, if the request says so', async () => {
  await expect(get('/products.csv?failAt=10').then(bytes)).rejects.toThrow();
  expect((await get('/products.csv?status=503')).status).toBe(503);
  expect(await bytes(await get('/products.csv?delayMs=1'))).toEqual(await bytes(await get('/products.csv')));
});

test('has no other resources, and accepts no writes', async () => {
  expect((await get('/')).status).toBe(404);
  expect((await fetch(`${supplier.url}/products.csv`, { method: 'POST' })).status).toBe(405);
  expect((await get('/health/ready')).status).toBe(200);
});
