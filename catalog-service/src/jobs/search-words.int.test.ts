import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { productContent } from '@micromart/contracts/catalog/product';
import type { Running } from '@micromart/service/run';
import { until } from '@micromart/testing/until';
import { decideOrder } from '../product.ts';
import { openCatalogWriter } from '../store/open-store.ts';
import { openTestCatalog, type TestCatalog } from '../testing/catalog.ts';
import { refreshSearchWords } from './search-words.ts';

/** A catalog written by the version before, whose words two workers rewrite at once. */
const PRODUCTS = 230;
let catalog: TestCatalog;
let workers: Running[] = [];

beforeAll(async () => {
  catalog = await openTestCatalog();
  const writer = await openCatalogWriter(catalog.store.url, { onError: () => {} });
  const content = productContent.parse({ name: 'H₂O', price: { amount: 1, currency: 'USD' } });
  await Promise.all(
    Array.from({ length: PRODUCTS }, (_, n) => {
      const origin = { job: 1, row: n + 1 };
      const decide = decideOrder(writer.log.name, `p${n}`, { kind: 'put', content }, origin, new Date());
      return writer.products.change(`p${n}`, decide);
    }),
  );
  await asBefore();
  await writer.close();
});

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.close()));
  await catalog.close();
});

const asBefore = () =>
  catalog.store.admin.query('UPDATE products SET search_words = NULL, searched_as = NULL');
const found = async () => (await catalog.reader.browse({ q: 'h2o', limit: 1_000 })).length;

test('stops between two batches when the worker is ending, and the next continues with the rest', async () => {
  const writer = await openCatalogWriter(catalog.store.url, { onError: () => {} });
  const ending = new AbortController();
  let batches = 0;
  const pace = async <T>(work: () => Promise<T>): Promise<T> => {
    batches += 1;
    if (batches === 2) ending.abort();
    return work();
  };
  await refreshSearchWords(writer, { pace, ending: ending.signal });
  expect(await found()).toBe(100);
  await refreshSearchWords(writer, { pace, ending: new AbortController().signal });
  expect([await found(), batches]).toEqual([PRODUCTS, 5]);
  await writer.close();
});

test('is done by workers when they start, without versions and events', async () => {
  await asBefore();
  expect(await found()).toBe(0);
  const before = await catalog.reader.log.heads();
  workers = await Promise.all([catalog.startWorker(), catalog.startWorker()]);
  await until(async () => (await found()) === PRODUCTS);
  expect((await catalog.reader.log.heads()).last).toEqual(before.last);
  expect(await catalog.reader.versions(['p7'])).toMatchObject([{ version: 1 }]);
});

test('finds a product that an older worker has changed since by its new words', async () => {
  const rename = (name: string) =>
    catalog.store.admin.query(
      `UPDATE products SET version = version + 1, state = (state::jsonb || jsonb_build_object('name', $1::text,
         'version', (state ->> 'version')::int + 1))::json WHERE id = 'p7'`,
      [name],
    );
  await rename('Lemonade');
  const idsOf = async (q: string) => (await catalog.reader.browse({ q, limit: 1_000 })).map(({ id }) => id);
  expect(await idsOf('lemonade')).toEqual(['p7']);
  expect(await idsOf('h2o')).not.toContain('p7');
});
