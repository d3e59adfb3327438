import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Counters, count, NO_COUNTS, type Tally } from './expected.ts';
import { type Basket, type Operation, planCart } from './plan.ts';

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

const grown = ({ added, removed, unitsAdded, unitsRemoved }: Counters, by: number): Counters =>
  by > 0
    ? { added: added + 1, removed, unitsAdded: unitsAdded + by, unitsRemoved }
    : { added, removed: removed + 1, unitsAdded, unitsRemoved: unitsRemoved - by };

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
