import { expect, jest, test } from '@jest/globals';
import type { ProductCopies } from '@micromart/product-copies/product-copies';
import { createProductNames } from './product-names.ts';

type Copy = NonNullable<ReturnType<ProductCopies['cached']>>;

const copyOf = (name: string): Copy => ({
  state: 'fresh',
  product: { id: 'x', version: 1, name } as Extract<Copy, { product: object }>['product'],
  ageMs: 0,
  freshForMs: 1,
});
const MISSING: Copy = { state: 'missing', ageMs: 0, freshForMs: 1 };

const answering = (cached: Record<string, Copy>, got: () => Promise<Record<string, Copy>>) => {
  const get = jest.fn(async (_: Iterable<string>) => {
    const copies = new Map(Object.entries(await got()));
    return { catalog: 'fresh' as const, copies, ageMs: 0, freshForMs: 0, why: undefined };
  });
  return { get, names: createProductNames({ get, cached: (id) => cached[id] }) };
};

test('names at hand come without asking the catalog, the others by one question', async () => {
  const { get, names } = answering({ tea: copyOf('Tea') }, async () => ({
    milk: copyOf('Milk'),
    gone: MISSING,
  }));
  expect(await names.of(['tea'])).toEqual(new Map([['tea', 'Tea']]));
  expect(get).not.toHaveBeenCalled();
  expect(await names.of(['tea', 'milk', 'gone', 'unknown'])).toEqual(
    new Map([
      ['tea', 'Tea'],
      ['milk', 'Milk'],
    ]),
  );
  expect(get).toHaveBeenCalledWith(['milk', 'gone', 'unknown']);
});

test('names of a catalog that does not answer in time are absent, and nobody waits for them', async () => {
  const { names } = answering({ tea: copyOf('Tea') }, () => new Promise(() => {}));
  expect(await names.of(['tea', 'milk'], 1)).toEqual(new Map([['tea', 'Tea']]));
});

test('names are no reason to fail, nor are late ones', async () => {
  const { names } = answering({}, async () => {
    throw new Error('broken');
  });
  expect(await names.of(['tea'])).toEqual(new Map());
});
