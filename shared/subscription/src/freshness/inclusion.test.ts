import { expect, test } from '@jest/globals';
import { inclusionOf } from './inclusion.ts';

const standing = (partition: number, sequence: number, firstParked: number | null = null) => ({
  log: 'cart-1',
  partition,
  sequence,
  firstParked,
});
const place = (partition: number, sequence: number, log = 'cart-1') => ({ log, partition, sequence });
const unmet = { log: null, partition: null, sequence: 0, firstParked: null };

test.each([
  ['includes what lies at or below', [place(0, 5), place(1, 3)], 'included'],
  ['is behind when any place is', [place(0, 5), place(1, 9)], 'behind'],
  ['is parked when something at or below is', [place(2, 4)], 'parked'],
  ['includes what lies below the first parked', [place(2, 3)], 'included'],
  ['is parked rather than behind', [place(1, 9), place(2, 99)], 'parked'],
  ['knows another log', [place(0, 1, 'cart-2'), place(1, 9)], 'other-log'],
  ['knows a partition that is not there', [place(8, 1)], 'no-such-partition'],
])('%s', (_, places, kind) => {
  const standings = [standing(0, 5), standing(1, 4), standing(2, 9, 4)];
  expect(inclusionOf(places, standings).kind).toBe(kind);
});

test('tells the place that is furthest behind', () => {
  const inclusion = inclusionOf([place(0, 6), place(1, 9)], [standing(0, 5), standing(1, 4)]);
  expect(inclusion).toEqual({ kind: 'behind', place: place(1, 9), events: 5 });
});

test('is behind, not wrong, while a subscription has not met its source', () => {
  expect(inclusionOf([place(0, 6)], [unmet]).kind).toBe('behind');
});
