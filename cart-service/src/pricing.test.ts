import { expect, test } from '@jest/globals';
import type { Product } from '@micromart/contracts/catalog/product';
import { MAX_AMOUNT } from '@micromart/contracts/money';
import type { ProductCopy } from '@micromart/product-copies/compose';
import { stubProduct } from '@micromart/testing/stub-catalog';
import { type Line, MAX_LINES, MAX_QUANTITY } from './cart.ts';
import { priceItems } from './pricing.ts';

const usd = (amount: number) => ({ amount, currency: 'USD' });
const line = (productId: string, quantity: number): Line => ({
  productId,
  quantity,
  addedAt: '2026-11-01T09:30:00.000Z',
  name: `Product ${productId}`,
  unitPrice: usd(100),
});
const says = (
  id: string,
  change: Partial<Product> = {},
  state: 'fresh' | 'stale' = 'fresh',
): [string, ProductCopy] => [id, { state, product: stubProduct(id, change), ageMs: 0, freshForMs: 1 }];
const missing = (id: string): [string, ProductCopy] => [id, { state: 'missing', ageMs: 0, freshForMs: 1 }];

test("shows today's price beside that of the adding, and adds up today's", () => {
  const productInfo = new Map([
    says('1', { price: usd(120), name: 'Renamed' }),
    says('2', { price: usd(5) }),
  ]);
  const priced = priceItems([line('1', 2), line('2', 3)], productInfo);
  expect(priced).toMatchObject({ total: usd(255), catalog: 'fresh' });
  expect(priced.items[0]).toEqual({ ...line('1', 2), currentPrice: usd(120), available: true });
});

test('keeps a line whose product is withdrawn or unknown, and leaves it out of the total', () => {
  const productInfo = new Map([says('1'), says('2', { withdrawn: true }), missing('3')]);
  const { items, total, catalog } = priceItems([line('1', 1), line('2', 1), line('3', 1)], productInfo);
  expect(items.map(({ available, currentPrice }) => [available, currentPrice])).toEqual([
    [true, usd(399)],
    [false, null],
    [false, null],
  ]);
  expect([total, catalog]).toEqual([usd(399), 'fresh']);
});

test('is stale when one product is, and unavailable when nothing is known about one', () => {
  const stale = new Map([says('1'), says('2', {}, 'stale')]);
  expect(priceItems([line('1', 1), line('2', 1)], stale)).toMatchObject({
    total: usd(798),
    catalog: 'stale',
  });
  const { items, total, catalog } = priceItems([line('1', 1), line('2', 1), line('3', 1)], stale);
  expect([total, catalog]).toEqual([null, 'unavailable']);
  expect(items[2]).toEqual({ ...line('3', 1), currentPrice: null, available: null });
});

test('has no total without a price, or with several currencies', () => {
  expect(priceItems([], new Map())).toEqual({ items: [], total: null, catalog: 'fresh' });
  const productInfo = new Map([says('1'), says('2', { price: { amount: 1, currency: 'EUR' } })]);
  expect(priceItems([line('1', 1), line('2', 1)], productInfo).total).toBeNull();
});

test('has an exact total for the fullest cart of the dearest products', () => {
  const ids = Array.from({ length: MAX_LINES }, (_, n) => String(n));
  const productInfo = new Map(ids.map((id) => says(id, { price: usd(MAX_AMOUNT) })));
  const { total } = priceItems(
    ids.map((id) => line(id, MAX_QUANTITY)),
    productInfo,
  );
  expect(BigInt(total!.amount)).toBe(BigInt(MAX_AMOUNT) * BigInt(MAX_LINES * MAX_QUANTITY));
  expect(total!.amount).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
});

test('has no total when an old price without a limit makes it larger than a number can hold', () => {
  const productInfo = new Map([says('1', { price: usd(Number.MAX_SAFE_INTEGER) })]);
  expect(priceItems([line('1', 1)], productInfo).total).toEqual(usd(Number.MAX_SAFE_INTEGER));
  expect(priceItems([line('1', 2)], productInfo).total).toBeNull();
});

test("shows a line older than stored names by the catalog's name", () => {
  const { name: _, unitPrice: __, ...old } = line('1', 1);
  expect(priceItems([old], new Map([says('1')])).items).toMatchObject([
    { name: 'Product 1', unitPrice: null },
  ]);
  expect(priceItems([old], new Map()).items).toMatchObject([{ name: null, unitPrice: null }]);
});
