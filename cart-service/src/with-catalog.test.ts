import { expect, test } from '@jest/globals';
import type { ProductCopy } from '@micromart/product-copies/compose';
import type { ProductCopies } from '@micromart/product-copies/product-copies';
import { stubProduct } from '@micromart/testing/stub-catalog';
import { withCatalog } from './with-catalog.ts';

const copyOf = (id: string): ProductCopy => ({
  state: 'fresh',
  product: stubProduct(id),
  ageMs: 0,
  freshForMs: 1,
});

/** Copies of which some are cached. Others must be requested; the catalog has no answer for those in `unknown`. */
function copiesWith({ cached = [], unknown = [] }: { cached?: string[]; unknown?: string[] }) {
  const asked: string[][] = [];
  const copies: ProductCopies = {
    cached: (id) => (cached.includes(id) ? copyOf(id) : undefined),
    async get(ids) {
      asked.push([...ids]);
      const found = [...ids].filter((id) => !unknown.includes(id)).map((id) => [id, copyOf(id)] as const);
      return { catalog: 'fresh', copies: new Map(found), ageMs: 0, freshForMs: 0, why: undefined };
    },
  };
  return { copies, asked };
}

test('decides at once if all copies are cached', async () => {
  const { copies, asked } = copiesWith({ cached: ['1', '2'] });
  expect(await withCatalog(copies, async (productInfoOf) => [...productInfoOf(['1', '2']).keys()])).toEqual([
    '1',
    '2',
  ]);
  expect(asked).toEqual([]);
});

test('requests all of them as soon as one is missing, and decides again', async () => {
  const { copies, asked } = copiesWith({ cached: ['1'], unknown: ['3'] });
  expect(
    await withCatalog(copies, async (productInfoOf) => [...productInfoOf(['1', '2', '3']).keys()]),
  ).toEqual(['1', '2']);
  expect(asked).toEqual([['1', '2', '3']]);
});

test('requests again when the cart has changed, but not without end', async () => {
  const { copies, asked } = copiesWith({});
  let wanted = 0;
  const last = await withCatalog(copies, async (productInfoOf) => {
    wanted += 1;
    return [...productInfoOf([String(wanted)]).keys()];
  });
  expect(asked).toEqual([['1'], ['2'], ['3']]);
  expect(last).toEqual([]);
});

test('passes on every other error', async () => {
  const { copies } = copiesWith({});
  const refuse = () => Promise.reject(new Error('the cart is closed'));
  await expect(withCatalog(copies, refuse)).rejects.toThrow('the cart is closed');
});
