import { describe, expect, test } from '@jest/globals';
import { productsTag } from '@micromart/contracts/catalog/etag';
import { productContent } from '@micromart/contracts/catalog/product';
import type { Decide } from '@micromart/event-log/change-store';
import type { NewEvent } from '@micromart/events/envelope';
import { etag } from '@micromart/http/conditional/entity-tag';
import fc from 'fast-check';
import {
  decideDue,
  decideOrder,
  inForce,
  nextChangeAt,
  type Origin,
  type Product,
  type ProductOrder,
  type Result,
  versionInForce,
  versionOf,
} from './product.ts';

const LOG = 'catalog-3f2a9c1e';
const ID = '1029743';
const NOW = new Date('2026-11-01T12:00:00Z');
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000);

const usd = (amount: number) => ({ amount, currency: 'USD' });
const put = (amount: number, extra: object = {}, ifMatch?: string): ProductOrder => ({
  kind: 'put',
  content: productContent.parse({ name: 'Bananas', price: usd(amount), ...extra }),
  ifMatch,
});
const withdraw: ProductOrder = { kind: 'withdraw' };
const scheduled = (amount: number, from: Date) => ({
  scheduledPrice: { price: usd(amount), from: from.toISOString() },
});
const tagAt = (version: number) => etag(productsTag(LOG, [{ id: ID, version }]));

/** A store of one product, in memory. */
function memory() {
  let product: Product | undefined;
  const events: NewEvent[] = [];
  const change = <Answer>(decide: Decide<Product, Answer>): Answer => {
    const document = product && { version: 1, sequence: 0, state: product };
    const { answer, change: written } = decide(document, 2);
    if (written) {
      product = JSON.parse(JSON.stringify(written.state));
      events.push(...written.events);
    }
    return answer;
  };
  return {
    order: (order: ProductOrder, origin: Origin | number, now = NOW): Result =>
      change(decideOrder(LOG, ID, order, typeof origin === 'number' ? { job: origin, row: 1 } : origin, now)),
    due: (now: Date) => change(decideDue(ID, now)),
    product: () => product!,
    data: () => events.map(({ type, data }) => [type, data]),
  };
}

describe('an order', () => {
  test('creates a product, and lists its fields', () => {
    const store = memory();
    expect(store.order(put(399, { brand: 'National' }), 7)).toBe('applied');
    expect(store.product()).toEqual({
      name: 'Bananas',
      category: null,
      department: null,
      brand: 'National',
      size: null,
      price: usd(399),
      scheduledPrice: null,
      version: 1,
      withdrawn: false,
      decided: { job: 7, row: 1, result: 'applied' },
    });
    expect(store.data()).toEqual([
      ['catalog.product-changed', { productId: ID, version: 1, changed: ['name', 'brand', 'price'] }],
    ]);
  });

  test('changes a product, and lists the changed fields', () => {
    const store = memory();
    store.order(put(399, { brand: 'National' }), 1);
    expect(store.order(put(299), 2)).toBe('applied');
    expect(store.product()).toMatchObject({ version: 2, brand: null, price: usd(299) });
    expect(store.data()[1]).toEqual([
      'catalog.product-changed',
      { productId: ID, version: 2, changed: ['brand', 'price'] },
    ]);
  });

  test('of equal content changes nothing, but still supersedes older ones', () => {
    const store = memory();
    store.order(put(399), 1);
    expect(store.order(put(399), 5)).toBe('unchanged');
    expect(store.order(put(299), 4)).toBe('superseded');
    expect(store.product()).toMatchObject({ version: 1, price: usd(399) });
    expect(store.data()).toHaveLength(1);
  });

  test('withdraws a product once, and its scheduled price with it', () => {
    const store = memory();
    store.order(put(399, scheduled(299, later(60))), 1);
    expect(store.order(withdraw, 2)).toBe('applied');
    expect(store.order(withdraw, 3)).toBe('unchanged');
    expect(store.product()).toMatchObject({
      version: 3,
      withdrawn: true,
      scheduledPrice: null,
      name: 'Bananas',
    });
    expect(store.data()[1]).toEqual(['catalog.product-withdrawn', { productId: ID, version: 3 }]);
  });

  test('brings a withdrawn product back', () => {
    const store = memory();
    store.order(put(399), 1);
    store.order(withdraw, 2);
    expect(store.order(put(399), 3)).toBe('applied');
    expect(store.product()).toMatchObject({ version: 3, withdrawn: false });
    expect(store.data()[2]).toEqual([
      'catalog.product-changed',
      { productId: ID, version: 3, changed: ['withdrawn'] },
    ]);
  });

  test('cannot withdraw an unknown product', () => {
    expect(() => memory().order(withdraw, 1)).toThrow(expect.objectContaining({ code: 'not-found' }));
  });

  test('is ordered by rows within a job', () => {
    const store = memory();
    store.order(put(2), { job: 1, row: 900 });
    expect(store.order(put(1), { job: 1, row: 20 })).toBe('superseded');
    expect(store.order(put(3), { job: 1, row: 901 })).toBe('applied');
  });

  test('that is repeated gets the same result and changes nothing', () => {
    const store = memory();
    store.order(put(1), 1);
    store.order(put(1), 2);
    expect(store.order(put(1), 2)).toBe('unchanged');
    store.order(put(3), 3);
    expect(store.order(put(3), 3)).toBe('applied');
    expect(store.product().version).toBe(2);
    expect(store.data()).toHaveLength(2);
  });
});

describe('If-Match', () => {
  test.each([
    ['the tag of the version in force', tagAt(1)],
    ['a list that names it', `"other", ${tagAt(1)}`],
    ['any version', '*'],
  ])('lets an order pass that names %s', (_, ifMatch) => {
    const store = memory();
    store.order(put(1), 1);
    expect(store.order(put(2, {}, ifMatch), 2)).toBe('applied');
  });

  test.each([
    ['another version', tagAt(2)],
    ['the tag as a weak one', `W/${tagAt(1)}`],
    ['the same version in another log', etag(productsTag('catalog-00000000', [{ id: ID, version: 1 }]))],
    ['nonsense', 'nonsense'],
  ])('refuses an order that names %s, and decides nothing', (_, ifMatch) => {
    const store = memory();
    store.order(put(1), 1);
    expect(() => store.order(put(2, {}, ifMatch), 3)).toThrow(
      expect.objectContaining({ code: 'precondition-failed' }),
    );
    expect(store.order(put(2), 2)).toBe('applied');
  });

  test('refuses any version of an unknown product', () => {
    expect(() => memory().order(put(1, {}, '*'), 1)).toThrow(
      expect.objectContaining({ code: 'precondition-failed' }),
    );
  });

  test('means the answered version once a scheduled price is due', () => {
    const store = memory();
    store.order(put(399, scheduled(299, later(60))), 1);
    expect(() => store.order(put(1, {}, tagAt(1)), 2, later(60))).toThrow();
    expect(store.order(put(1, {}, tagAt(2)), 2, later(60))).toBe('applied');
  });
});

describe('a scheduled price', () => {
  const stored = () => {
    const store = memory();
    store.order(put(399, scheduled(299, later(100))), 1);
    return store;
  };

  test('is in force from its moment on, with its own version, even before it is stored', () => {
    const product = stored().product();
    const version = versionOf(product);
    expect(inForce(product, later(99.999))).toBe(product);
    expect(versionInForce(version, later(99.999))).toBe(1);
    expect(nextChangeAt(version, later(99.999))).toEqual(later(100));

    expect(inForce(product, later(100))).toMatchObject({ price: usd(299), scheduledPrice: null, version: 2 });
    expect(versionInForce(version, later(100))).toBe(2);
    expect(nextChangeAt(version, later(100))).toBeUndefined();
  });

  test('is stored once it is due, as it was shown', () => {
    const store = stored();
    const shown = inForce(store.product(), later(100));
    expect(store.due(later(99))).toBe(false);
    expect(store.due(later(100))).toBe(true);
    expect(store.due(later(100))).toBe(false);
    expect(store.product()).toEqual(shown);
    expect(store.data()[1]).toEqual([
      'catalog.product-changed',
      { productId: ID, version: 2, changed: ['price', 'scheduledPrice'] },
    ]);
  });

  test('keeps its own version, even if something else is decided before its moment', () => {
    const store = stored();
    expect(inForce(store.product(), later(100)).version).toBe(2);
    store.order(put(199), 2, later(99));
    expect(store.product()).toMatchObject({ version: 3, price: usd(199), scheduledPrice: null });
  });

  test('that is due is stored before the next decision', () => {
    const store = stored();
    expect(store.order(put(199), 2, later(100))).toBe('applied');
    expect(store.product()).toMatchObject({ version: 3, price: usd(199) });
    expect(store.data().map(([, data]) => (data as { version: number }).version)).toEqual([1, 2, 3]);
  });

  test('that is due leaves nothing to change for an order of the same price', () => {
    const store = stored();
    expect(store.order(put(299), 2, later(100))).toBe('unchanged');
    expect(store.product().version).toBe(2);
    expect(store.data()).toHaveLength(2);
  });

  test('that is due at once becomes the price', () => {
    const store = memory();
    store.order(put(399, scheduled(299, later(-1))), 1);
    expect(store.product()).toMatchObject({ price: usd(299), scheduledPrice: null, version: 1 });
    expect(store.order(put(399, scheduled(299, later(-1))), 2)).toBe('unchanged');
  });
});

const orders = fc.oneof(
  fc.record({ amount: fc.integer({ min: 1, max: 3 }), soon: fc.option(fc.integer({ min: -2, max: 20 })) }),
  fc.constant('withdraw' as const),
);
type Drawn = typeof orders extends fc.Arbitrary<infer T> ? T : never;

const orderOf = (drawn: Drawn): ProductOrder =>
  drawn === 'withdraw'
    ? withdraw
    : put(drawn.amount, drawn.soon === null ? {} : scheduled(drawn.amount + 10, later(drawn.soon)));

/** The jobs 2, 3, … of a product that job 1 created, and an order in which they reach it, some of them twice. */
const histories = fc.array(orders, { minLength: 1, maxLength: 8 }).chain((drawn) =>
  fc.record({
    drawn: fc.constant(drawn),
    brought: fc
      .tuple(
        fc.shuffledSubarray(
          drawn.map((_, n) => n),
          { minLength: drawn.length },
        ),
        fc.array(fc.nat({ max: drawn.length - 1 }), { maxLength: 8 }),
      )
      .map(([all, again]) => [...all, ...again]),
  }),
);

/** Seconds that pass before each job, and the error of the clock. */
const ticks = fc.array(fc.integer({ min: 0, max: 5 }));
const wrong = fc.integer({ min: -6, max: 6 });

describe('in any order, and repeated', () => {
  test('orders give the result of their acceptance order', () => {
    fc.assert(
      fc.property(histories, ({ drawn, brought }) => {
        const store = memory();
        store.order(put(1), 1);
        for (const n of brought) store.order(orderOf(drawn[n]!), n + 2);
        const last = orderOf(drawn.at(-1)!);

        const { withdrawn, price, scheduledPrice, decided } = store.product();
        expect(decided.job).toBe(drawn.length + 1);
        expect(withdrawn).toBe(last.kind === 'withdraw');
        if (last.kind === 'put') {
          const alone = memory();
          alone.order(last, 1);
          expect({ price, scheduledPrice }).toEqual({
            price: alone.product().price,
            scheduledPrice: alone.product().scheduledPrice,
          });
        }
      }),
    );
  });

  test('every version has one event, in ascending order, whenever prices fall due', () => {
    fc.assert(
      fc.property(histories, ticks, ({ drawn, brought }, steps) => {
        const store = memory();
        let seconds = 0;
        store.order(put(1), 1);
        for (const [at, n] of brought.entries()) {
          seconds += steps[at] ?? 0;
          if (at % 3 === 2) store.due(later(seconds));
          store.order(orderOf(drawn[n]!), n + 2, later(seconds));
        }
        const versions = store.data().map(([, data]) => (data as { version: number }).version);
        expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
        expect(versions.at(-1)).toBe(store.product().version);
      }),
    );
  });

  test('no version is ever shown with two contents, whichever clock is wrong', () => {
    fc.assert(
      fc.property(histories, ticks, fc.infiniteStream(wrong), ({ drawn, brought }, steps, wrongBy) => {
        const store = memory();
        const shown = new Map<number, string>();
        let seconds = 0;
        store.order(put(1), 1);
        for (const [at, n] of brought.entries()) {
          seconds += steps[at] ?? 0;
          const clock = () => later(seconds + wrongBy.next().value!);
          store.order(orderOf(drawn[n]!), n + 2, clock());
          if (at % 3 === 2) store.due(clock());
          for (let readers = 0; readers < 3; readers += 1) {
            const { version, decided: _, ...content } = inForce(store.product(), clock());
            const text = JSON.stringify(content);
            expect(shown.get(version) ?? text).toBe(text);
            shown.set(version, text);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
