import { expect, test } from '@jest/globals';
import { replacedBy } from './heads-client.ts';

const known = {
  log: 'cart-1',
  positions: new Map([
    [0, 5],
    [1, 7],
  ]),
};
const heads = (log: string, ...last: [number, number][]) => ({ log, at: new Date(), last: new Map(last) });

test('takes heads at or beyond the positions for the same history', () => {
  expect(replacedBy(known, heads('cart-1', [0, 5], [1, 9]))).toBeUndefined();
});

test('takes any heads for its own while it has no positions yet', () => {
  expect(replacedBy({ log: 'cart-1', positions: new Map() }, heads('cart-1', [0, 3]))).toBeUndefined();
});

test.each([
  ['another log', heads('cart-2', [0, 5], [1, 7]), /now cart-2/],
  ['an older state', heads('cart-1', [0, 5], [1, 6]), /partition 1 of cart-1 ends at 6/],
  ['fewer partitions', heads('cart-1', [0, 5]), /has 1 partitions now/],
])('takes %s for another history', (_, heads, why) => {
  expect(replacedBy(known, heads)).toMatch(why);
});
