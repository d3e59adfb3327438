import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Counters, count, NO_COUNTS, type Tally } from './expected.ts';
import { type Basket, linesLeft, type Operation, planCart, planClose } from './plan.ts';

const productId = fc.integer({ min: 1, max: 6 }).map(String);
const baskets: fc.Arbitrary<Basket> = fc.record({
  id: fc.string({ minLength: 1 }),
  shopper: fc.constant('900'),
  lines: fc.array(fc.record({ productId, quantity: fc.integer({ min: 1, max: 5 }) }), { maxLength: 40 }),
});
const seeds = fc.nat();

/** A cart that executes operations as the cart service does, and counts their events. */
function carryOut(operations: readonly Operation[]): { lines: Map<string, number>; events: Tally } {
  const lines = new Map<string, number>();
  const events: Tally = new Map();
  for (const operation of operations) {
    const had = lines.get(operation.productId) ?? 0;
    const has = resultOf(operation, had);
    expect(has).toBeGreaterThanOrEqual(0);
    expect(has).not.toBe(had);
    lines.set(operation.productId, has);
    events.set(operation.productId, grown(events.get(operation.productId) ?? NO_COUNTS, has - had));
  }
  return { lines, events };
}

function resultOf(operation: Operation, had: number): number {
  if (operation.kind === 'add') return had + operation.units;
  if (operation.kind === 'set') return operation.left;
  return operation.kind === 'take' ? had - operation.units : 0;
}

const grown = (was: Counters, by: number): Counters =>
  by > 0
    ? { ...was, added: was.added + 1, unitsAdded: was.unitsAdded + by }
    : { ...was, removed: was.removed + 1, unitsRemoved: was.unitsRemoved - by };

const tallyOf = (operations: readonly Operation[]): Tally => {
  const tally: Tally = new Map();
  for (const operation of operations) count(tally, operation);
  return tally;
};

describe('a planned cart', () => {
  test('makes exactly the expected events', () => {
    fc.assert(
      fc.property(baskets, seeds, (basket, seed) => {
        const operations = planCart(basket, seed);
        expect(carryOut(operations).events).toEqual(tallyOf(operations));
      }),
    );
  });

  test('leaves what it is then closed with, once for each product', () => {
    fc.assert(
      fc.property(baskets, seeds, (basket, seed) => {
        const operations = planCart(basket, seed);
        const held = [...carryOut(operations).lines].filter(([, units]) => units > 0);
        for (const reason of ['bought', 'abandoned'] as const) {
          const left = linesLeft(operations, reason);
          expect(new Map(left.map(({ productId, units }) => [productId, units]))).toEqual(new Map(held));
          expect(left.every(({ kind }) => kind === reason)).toBe(true);
          expect(left).toHaveLength(held.length);
        }
      }),
    );
  });

  test('adds every line of its basket, in order', () => {
    fc.assert(
      fc.property(baskets, seeds, (basket, seed) => {
        const added = planCart(basket, seed).filter(({ kind }) => kind === 'add');
        expect(added.map(({ productId, units }) => ({ productId, quantity: units }))).toEqual(basket.lines);
      }),
    );
  });

  test('is the same for the same basket and seed', () => {
    fc.assert(
      fc.property(baskets, seeds, (basket, seed) => {
        expect(planCart(basket, seed)).toEqual(planCart(basket, seed));
      }),
    );
  });
});

test('takes about one of twelve items out again, in every way there is', () => {
  const lines = Array.from({ length: 400 }, (_, at) => ({ productId: String(at), quantity: 1 + (at % 4) }));
  const operations = Array.from({ length: 30 }, (_, at) =>
    planCart({ id: `basket ${at}`, shopper: '900', lines }, 7),
  ).flat();
  const removals = operations.filter(({ kind }) => kind !== 'add');
  expect((12 * removals.length) / (operations.length - removals.length)).toBeCloseTo(1, 1);
  expect(new Set(removals.map(({ kind }) => kind))).toEqual(new Set(['set', 'take', 'drop']));
  expect(removals.some((removal) => removal.kind === 'set' && removal.left > 0)).toBe(true);
});

test('leaves about one of twelve carts, by the seed, and buys the others', () => {
  const reasons = Array.from({ length: 3_000 }, (_, n) =>
    planClose({ id: `basket ${n}`, shopper: '900', lines: [] }, 7),
  );
  const abandoned = reasons.filter((reason) => reason === 'abandoned');
  expect((12 * abandoned.length) / reasons.length).toBeCloseTo(1, 0);
  expect(abandoned.length).toBeGreaterThan(0);
});
