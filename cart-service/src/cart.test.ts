import { describe, expect, test } from '@jest/globals';
import type { CartEvent } from '@micromart/contracts/cart-events';
import type { Product } from '@micromart/contracts/catalog/product';
import { MAX_AMOUNT } from '@micromart/contracts/money';
import { MAX_EVENT_BYTES } from '@micromart/event-log/page';
import { dataBytes } from '@micromart/events/data-bytes';
import { stubProduct } from '@micromart/testing/stub-catalog';
import fc from 'fast-check';
import {
  addItems,
  type Cart,
  type CartChange,
  closeCart,
  MAX_LINES,
  MAX_QUANTITY,
  openCart,
  removeItem,
  setQuantity,
} from './cart.ts';
import type { ProductInfo } from './product-info.ts';

const context = { cartId: 'c0ffee00-0000-4000-8000-000000000000', version: 2, now: new Date(0) };
const at = (ms: number) => ({ ...context, now: new Date(ms) });
type ClosedData = Extract<CartEvent, { type: 'cart.closed' }>['data'];
/** Everything is on sale. */
const productInfo = {
  get: (id: string) => ({ state: 'fresh', product: stubProduct(id), ageMs: 0, freshForMs: 1 }),
} as unknown as ProductInfo;
const empty = openCart('alice', '0b8c1c5e-6d0e-4d5b-9b86-6a4f5a1b2c3d');
const holding = (...items: [string, number][]): Cart =>
  addItems(
    empty,
    items.map(([productId, quantity]) => ({ productId, quantity })),
    productInfo,
    context,
  ).cart;

const usd = (amount: number) => ({ amount, currency: 'USD' });
const both = [
  { productId: '2', quantity: 1 },
  { productId: '1', quantity: 1 },
];
/** What the catalog says about one product, number 1 by default. */
const saying = (
  state: 'fresh' | 'stale' | 'missing',
  { id = '1', ...change }: Partial<Product> = {},
): ProductInfo => {
  const times = { ageMs: 0, freshForMs: 1 };
  return new Map([
    [id, state === 'missing' ? { state, ...times } : { state, ...times, product: stubProduct(id, change) }],
  ]);
};

const eventsOf = ({ events }: CartChange) =>
  events.map(({ type, data }) => [type, (data as { quantity?: number }).quantity]);
const lines = ({ items }: Cart) => items.map(({ productId, quantity }) => [productId, quantity]);

describe('adding', () => {
  test("adds to the cart's lines, with an event for each item", () => {
    const change = addItems(
      holding(['1', 2]),
      [
        { productId: '1', quantity: 3 },
        { productId: '2', quantity: 1 },
      ],
      productInfo,
      context,
    );
    expect(lines(change.cart)).toEqual([
      ['1', 5],
      ['2', 1],
    ]);
    expect(eventsOf(change)).toEqual([
      ['cart.item-added', 3],
      ['cart.item-added', 1],
    ]);
  });

  test('refuses a line above its limit, however the request adds up to it', () => {
    const full = holding(['1', MAX_QUANTITY]);
    expect(() => addItems(full, [{ productId: '1', quantity: 1 }], productInfo, context)).toThrow(
      /at most 999/,
    );
  });

  test('refuses more lines than a cart may have', () => {
    const wanted = Array.from({ length: MAX_LINES }, (_, n) => ({ productId: `p${n}`, quantity: 1 }));
    const full = addItems(empty, wanted, productInfo, context).cart;
    expect(() => addItems(full, [{ productId: 'one-more', quantity: 1 }], productInfo, context)).toThrow(
      /at most 500/,
    );
    expect(() => setQuantity(full, 'one-more', 1, productInfo, context)).toThrow(/at most 500/);
    expect(addItems(full, [{ productId: 'p0', quantity: 1 }], productInfo, context).cart.items).toHaveLength(
      MAX_LINES,
    );
  });

  test('stores the name and price of the first adding, and publishes the price of each adding', () => {
    const held = holding(['1', 1]);
    expect(held.items[0]).toMatchObject({ name: 'Product 1', unitPrice: usd(399) });
    const dearer = saying('fresh', { name: 'Renamed', price: usd(450) });
    for (const { cart, events } of [
      addItems(held, [{ productId: '1', quantity: 1 }], dearer, context),
      setQuantity(held, '1', 2, dearer, context),
    ]) {
      expect(cart.items[0]).toMatchObject({ quantity: 2, name: 'Product 1', unitPrice: usd(399) });
      expect(events).toMatchObject([{ data: { quantity: 1, unitPrice: usd(450) } }]);
    }
    expect(removeItem(held, '1', 1, context).events).toMatchObject([{ data: { unitPrice: usd(399) } }]);
  });

  test('accepts stale product info while the catalog is unavailable', () => {
    expect(addItems(empty, [{ productId: '1', quantity: 1 }], saying('stale'), context).events).toHaveLength(
      1,
    );
  });

  test.each<[string, ProductInfo, string, RegExp]>([
    ['the catalog has never known', saying('missing'), 'unprocessable', /knows no product 1\b/],
    [
      'is no longer sold',
      saying('fresh', { withdrawn: true }),
      'unprocessable',
      /Product 1 is no longer sold/,
    ],
    ['nothing is known about', new Map(), 'unavailable', /catalog does not answer.* product 1\b/],
  ])('refuses all items if one product is one that %s', (_, info, code, detail) => {
    const mixed: ProductInfo = new Map([...saying('fresh', { id: '2' }), ...info]);
    const change = () => addItems(empty, both, mixed, context);
    expect(change).toThrow(expect.objectContaining({ code, message: expect.stringMatching(detail) }));
    expect(() => setQuantity(empty, '1', 1, info, context)).toThrow(expect.objectContaining({ code }));
    const held = holding(['1', 5]);
    expect(() => setQuantity(held, '1', 6, info, context)).toThrow(expect.objectContaining({ code }));
    expect(setQuantity(held, '1', 4, info, context).events).toHaveLength(1);
    expect(removeItem(held, '1', 4, context).events).toHaveLength(1);
  });

  test('handles __proto__ like any other product', () => {
    expect(lines(holding(['__proto__', 1], ['constructor', 2]))).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ]);
  });
});

describe('setting a quantity', () => {
  test.each([
    [5, [['cart.item-added', 3]], [['1', 5]]],
    [1, [['cart.item-removed', 1]], [['1', 1]]],
    [0, [['cart.item-removed', 2]], []],
    [2, [], [['1', 2]]],
  ])('from 2 to %i tells the difference', (quantity, events, left) => {
    const change = setQuantity(holding(['1', 2]), '1', quantity, productInfo, context);
    expect(eventsOf(change)).toEqual(events);
    expect(lines(change.cart)).toEqual(left);
  });

  test('of a product not in the cart adds it, and to 0 changes nothing', () => {
    expect(eventsOf(setQuantity(empty, '1', 4, productInfo, context))).toEqual([['cart.item-added', 4]]);
    expect(eventsOf(setQuantity(empty, '1', 0, productInfo, context))).toEqual([]);
  });
});

describe('taking out', () => {
  test('takes some units, or the whole line, and never more than it has', () => {
    expect(eventsOf(removeItem(holding(['1', 5]), '1', 2, context))).toEqual([['cart.item-removed', 2]]);
    expect(eventsOf(removeItem(holding(['1', 5]), '1', undefined, context))).toEqual([
      ['cart.item-removed', 5],
    ]);
    expect(eventsOf(removeItem(holding(['1', 5]), '1', 9, context))).toEqual([['cart.item-removed', 5]]);
  });

  test('of a product not in the cart is refused', () => {
    expect(() => removeItem(empty, '1', 1, context)).toThrow(/not in this cart/);
  });
});

test('a closed cart accepts no more changes', () => {
  const { cart, events } = closeCart(holding(['1', 1]), 'bought', context);
  expect(events).toMatchObject([{ type: 'cart.closed', data: { reason: 'bought', cartVersion: 2 } }]);
  for (const change of [
    () => addItems(cart, [{ productId: '1', quantity: 1 }], productInfo, context),
    () => setQuantity(cart, '1', 1, productInfo, context),
    () => removeItem(cart, '1', 1, context),
    () => closeCart(cart, 'abandoned', context),
  ]) {
    expect(change).toThrow(/closed/);
  }
});

describe('closing', () => {
  const closeData = (cart: Cart) => closeCart(cart, 'bought', at(9)).events[0]!.data;

  test('publishes what was in the cart, and when its first product was ever added', () => {
    const [first, second] = both;
    const added = addItems(empty, [first!], productInfo, at(1)).cart;
    const more = addItems(added, [{ ...second!, quantity: 7 }], productInfo, at(2)).cart;
    const left = removeItem(more, '2', undefined, at(3)).cart;
    expect(closeData(left)).toEqual({
      cartId: context.cartId,
      shopper: empty.shopper,
      reason: 'bought',
      cartVersion: 2,
      startedAt: '1970-01-01T00:00:00.001Z',
      items: [{ productId: '1', quantity: 7, unitPrice: usd(399) }],
    });
  });

  test('publishes when an empty cart was started, and nothing if it never was', () => {
    const emptied = setQuantity(
      setQuantity(empty, '1', 2, productInfo, at(1)).cart,
      '1',
      0,
      productInfo,
      at(2),
    );
    expect(closeData(emptied.cart)).toMatchObject({ startedAt: '1970-01-01T00:00:00.001Z', items: [] });
    expect(closeData(empty)).toMatchObject({ items: [] });
    expect(closeData(empty)).not.toHaveProperty('startedAt');
  });

  test('fits into an event of the log, however large the cart', () => {
    const dear = { amount: MAX_AMOUNT, currency: 'USD' };
    const items = Array.from({ length: MAX_LINES }, (_, n) => ({
      ...{ productId: String(n).padStart(64, 'p'), quantity: MAX_QUANTITY, name: '€'.repeat(500) },
      ...{ addedAt: at(1).now.toISOString(), unitPrice: dear },
    }));
    expect(dataBytes(closeData({ ...empty, items }))).toBeLessThan(MAX_EVENT_BYTES / 3);
  });

  test("takes the start of an older version's cart from its earliest line, at its next change", () => {
    const { startedAt: _, ...cart } = holding(['1', 1]);
    const line = (productId: string, ms: number) => ({
      productId,
      quantity: 1,
      addedAt: at(ms).now.toISOString(),
    });
    const older: Cart = { ...cart, items: [line('1', 20), line('2', 10), line('3', 30)] };
    const start = '1970-01-01T00:00:00.010Z';
    expect(closeData(older)).toMatchObject({
      startedAt: start,
      items: [{ productId: '1', quantity: 1 }, {}, {}],
    });
    expect(JSON.parse(JSON.stringify(closeData(older))).items[0]).not.toHaveProperty('unitPrice');
    expect(closeData(removeItem(older, '2', 1, at(40)).cart)).toMatchObject({ startedAt: start });
    expect(closeData(setQuantity(older, '2', 0, productInfo, at(40)).cart)).toMatchObject({
      startedAt: start,
    });
    expect(closeData({ ...older, items: [] })).not.toHaveProperty('startedAt');
  });
});

test('the units added by the events, less the units removed, are those of the cart and of its closing event', () => {
  const productId = fc.constantFrom('1', '2', '__proto__');
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), productId, n: fc.integer({ min: 1, max: 20 }) }),
    fc.record({ kind: fc.constant('set' as const), productId, n: fc.integer({ min: 0, max: 20 }) }),
    fc.record({ kind: fc.constant('take' as const), productId, n: fc.integer({ min: 1, max: 20 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let cart = empty;
      let firstAdded: string | undefined;
      const sums = new Map<string, number>();
      for (const [ms, { kind, productId: id, n }] of steps.entries()) {
        const context = at(ms);
        if (kind === 'take' && !cart.items.some((line) => line.productId === id)) continue;
        const change =
          kind === 'add'
            ? addItems(cart, [{ productId: id, quantity: n }], productInfo, context)
            : kind === 'set'
              ? setQuantity(cart, id, n, productInfo, context)
              : removeItem(cart, id, n, context);
        cart = change.cart;
        for (const { type, time, data } of change.events) {
          firstAdded ??= time.toISOString();
          const { productId: moved, quantity } = data as { productId: string; quantity: number };
          sums.set(moved, (sums.get(moved) ?? 0) + (type === 'cart.item-added' ? quantity : -quantity));
        }
      }
      expect(new Map(cart.items.map((line) => [line.productId, line.quantity]))).toEqual(
        new Map([...sums].filter(([, units]) => units > 0)),
      );
      const closed = closeCart(cart, 'bought', at(steps.length));
      const { items, startedAt } = closed.events[0]!.data as ClosedData;
      expect(items).toEqual(
        cart.items.map(({ productId, quantity, unitPrice }) => ({ productId, quantity, unitPrice })),
      );
      expect(startedAt).toBe(firstAdded);
      expect(closed.cart).toEqual({ ...cart, state: 'closed' });
    }),
  );
});
