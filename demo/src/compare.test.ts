import { describe, expect, test } from '@jest/globals';
import { compare } from './compare.ts';
import { type Counters, NO_COUNTS, type Tally } from './expected.ts';

const counters = (added: number, removed: number, unitsAdded: number, unitsRemoved: number): Counters => ({
  ...NO_COUNTS,
  added,
  removed,
  unitsAdded,
  unitsRemoved,
});
const tally = (entries: Record<string, Counters>): Tally => new Map(Object.entries(entries));

describe('the comparison', () => {
  test('finds nothing if every counter grew by what was sent', () => {
    const before = tally({ milk: counters(5, 1, 9, 1), bread: counters(1, 0, 1, 0) });
    const after = tally({
      milk: counters(7, 2, 13, 4),
      bread: counters(1, 0, 1, 0),
      eggs: counters(1, 0, 2, 0),
    });
    const sent = tally({ milk: counters(2, 1, 4, 3), eggs: counters(1, 0, 2, 0) });
    expect(compare(before, after, sent)).toEqual([]);
  });

  test('names product and counter if an event was lost', () => {
    const sent = tally({ milk: counters(2, 1, 4, 3) });
    expect(compare(tally({}), tally({ milk: counters(1, 1, 2, 3) }), sent)).toEqual([
      { productId: 'milk', counter: 'added', sent: 2, counted: 1 },
      { productId: 'milk', counter: 'unitsAdded', sent: 4, counted: 2 },
    ]);
  });

  test('finds counts that were never sent, and counters that fell or vanished', () => {
    expect(compare(tally({}), tally({ milk: counters(0, 1, 0, 1) }), tally({}))).toHaveLength(2);
    expect(compare(tally({ milk: counters(1, 0, 1, 0) }), tally({}), tally({}))).toEqual([
      { productId: 'milk', counter: 'added', sent: 0, counted: -1 },
      { productId: 'milk', counter: 'unitsAdded', sent: 0, counted: -1 },
    ]);
  });

  test('counts a product called __proto__ like any other', () => {
    const sent: Tally = new Map([['__proto__', counters(1, 0, 1, 0)]]);
    expect(compare(new Map(), sent, sent)).toEqual([]);
    expect(compare(new Map(), new Map(), sent)).toHaveLength(2);
  });
});
