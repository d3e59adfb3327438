import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readBaskets } from './baskets.ts';
import { readCatalog } from './catalog-file.ts';
import type { Basket } from './plan.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-'));
});
afterAll(() => rm(folder, { recursive: true }));

const readAll = (file: string, limit = Number.POSITIVE_INFINITY): Promise<Basket[]> =>
  Readable.from(readBaskets(file, limit)).toArray();

const HEADER = 'at,shopper,basket,product,quantity';

async function read(
  rows: readonly string[],
  limit = Number.POSITIVE_INFINITY,
  name = 'b.csv',
): Promise<Basket[]> {
  const file = join(folder, name);
  const text = rows.join('\n');
  await writeFile(file, name.endsWith('.gz') ? gzipSync(text) : text);
  return readAll(file, limit);
}

describe('a file of baskets', () => {
  const rows = [HEADER, 'x,900,1,milk,1', 'x,900,1,bread,2', 'x,901,2,milk,3', ''];
  const baskets = [
    {
      id: '1',
      shopper: '900',
      lines: [
        { productId: 'milk', quantity: 1 },
        { productId: 'bread', quantity: 2 },
      ],
    },
    { id: '2', shopper: '901', lines: [{ productId: 'milk', quantity: 3 }] },
  ];

  test('is read basket by basket, gzipped or not, with its columns in any order', async () => {
    expect(await read(rows)).toEqual(baskets);
    expect(await read(rows, Number.POSITIVE_INFINITY, 'b.csv.gz')).toEqual(baskets);
    const turned = rows.map((row) => row.split(',').reverse().join(','));
    expect(await read(turned)).toEqual(baskets);
  });

  test('is read no further than its limit', async () => {
    expect(await read(rows, 1)).toEqual(baskets.slice(0, 1));
    expect(await read([...rows.slice(0, 4), 'x,902,3,milk,1', 'x,902,3,bread,none'], 2)).toEqual(baskets);
  });

  test.each([
    ['a quantity of none', 'x,900,1,milk,0', /row 2: the quantity "0"/],
    ['a quantity above 999', 'x,900,1,milk,1000', /row 2: the quantity/],
    ['a product that no path can name', 'x,900,1,..,1', /row 2: the product ".."/],
    ['an empty shopper', 'x,,1,milk,1', /row 2: the shopper ""/],
    ['a row that is too short', 'x,900', /cannot be read: Invalid Record Length/],
    ['a row without an end', `x,900,1,"${'m'.repeat(20_000)}`, /cannot be read/],
  ])('is refused with %s', async (_, row, message) => {
    await expect(read([HEADER, row])).rejects.toThrow(message);
  });

  test('is refused when it is missing, empty, cut off, or has other columns', async () => {
    await expect(readAll(join(folder, 'none.csv'))).rejects.toThrow(/none.csv.*ENOENT/);
    await expect(read([])).rejects.toThrow(/empty.*shopper, basket, product, quantity/);
    await expect(read(['shopper,basket,quantity'])).rejects.toThrow(/no column "product"/);
    const cut = join(folder, 'cut.csv.gz');
    await writeFile(cut, gzipSync(rows.join('\n')).subarray(0, 40));
    await expect(readAll(cut)).rejects.toThrow(/cannot be read/);
  });
});

test('the small data has two thousand baskets, and a name for each of their products', async () => {
  const data = (name: string) => fileURLToPath(new URL(`../data/${name}`, import.meta.url));
  const baskets = await readAll(data('baskets.csv.gz'));
  const products = new Set(baskets.flatMap(({ lines }) => lines.map(({ productId }) => productId)));
  expect(baskets).toHaveLength(2_000);
  expect((await readCatalog(data('catalog.csv.gz'), products)).names.size).toBe(products.size);
});
