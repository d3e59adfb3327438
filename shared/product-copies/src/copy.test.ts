import { expect, test } from '@jest/globals';
import { productsTag } from '@micromart/contracts/catalog/etag';
import { MAX_PRODUCTS, type Product } from '@micromart/contracts/catalog/product';
import fc from 'fast-check';
import { batchesFor, type Copy, tagOf } from './copy.ts';

const copy = (id: string, version: number, log: string | undefined = 'catalog-1'): Copy => ({
  product: { id, version } as Product,
  log,
  answeredMs: 0,
  freshUntilMs: 0,
  usableUntilMs: 0,
});

test('the tag of any held set is the one that the catalog gives it', () => {
  const versions = [
    { id: 'b', version: 2 },
    { id: 'a', version: 1 },
  ];
  expect(tagOf([copy('b', 2), copy('a', 1)])).toBe(`"${productsTag('catalog-1', versions)}"`);
});

test.each([
  ['nothing is asked about', []],
  ['one is not held', [copy('a', 1), undefined]],
  ['they are of two logs', [copy('a', 1), copy('b', 1, 'catalog-2')]],
  ['the log of one is not known', [copy('a', 1), { ...copy('b', 1), log: undefined }]],
])('there is no tag when %s', (_, held) => {
  expect(tagOf(held)).toBeUndefined();
});

test('every id is in one batch, held ids apart from others, none longer than the catalog accepts', () => {
  const ids = fc.uniqueArray(fc.nat(2_000).map(String), { maxLength: 700 });
  fc.assert(
    fc.property(ids, fc.nat(7), (asked, n) => {
      const isHeld = (id: string) => Number(id) % 8 < n;
      const questions = batchesFor(asked, isHeld);
      expect(questions.flat().sort()).toEqual(asked.toSorted());
      for (const question of questions) {
        expect(question.length).toBeLessThanOrEqual(MAX_PRODUCTS);
        expect(question).toEqual(question.toSorted());
        expect(new Set(question.map(isHeld)).size).toBe(1);
      }
    }),
    { numRuns: 50 },
  );
});
