import { expect, test } from '@jest/globals';
import { inclusionOf } from './inclusion.ts';

const progress = (partition: number, sequence: number, firstParked: number | null = null) => ({
  log: 'cart-1',
  partition,
  sequence,
  firstParked,
});
const position = (partition: number, sequence: number, log = 'cart-1') => ({ log, partition, sequence });
const unreached = { log: null, partition: null, sequence: 0, firstParked: null };

test.each([
  ['includes what lies at or below', [position(0, 5), position(1, 3)], 'included'],
  ['is behind when any position is', [position(0, 5), position(1, 9)], 'behind'],
  ['is parked when something at or below is', [position(2, 4)], 'parked'],
  ['includes what lies below the first parked', [position(2, 3)], 'included'],
  ['is parked rather than behind', [position(1, 9), position(2, 99)], 'parked'],
  ['recognises another log', [position(0, 1, 'cart-2'), position(1, 9)], 'other-log'],
  ['recognises a partition that does not exist', [position(8, 1)], 'no-such-partition'],
])('%s', (_, positions, kind) => {
  const known = [progress(0, 5), progress(1, 4), progress(2, 9, 4)];
  expect(inclusionOf(positions, known).kind).toBe(kind);
});

test('names the position that is furthest behind', () => {
  const inclusion = inclusionOf([position(0, 6), position(1, 9)], [progress(0, 5), progress(1, 4)]);
  expect(inclusion).toEqual({ kind: 'behind', position: position(1, 9), events: 5 });
});

test('is behind, not wrong, while a subscription has not reached its source', () => {
  expect(inclusionOf([position(0, 6)], [unreached]).kind).toBe('behind');
});
