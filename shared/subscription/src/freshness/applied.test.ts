import { expect, test } from '@jest/globals';
import { createApplied } from './applied.ts';

test('includes what was recorded and everything before it, in that partition of that log alone', () => {
  const applied = createApplied();
  applied.record('cart-1', 3, 7);
  const at = (log: string, partition: number, sequence: number) =>
    applied.includes([{ log, partition, sequence }]);
  expect([at('cart-1', 3, 7), at('cart-1', 3, 1)]).toEqual([true, true]);
  expect([at('cart-1', 3, 8), at('cart-1', 4, 1), at('cart-2', 3, 7)]).toEqual([false, false, false]);
});

test('includes several positions only when it includes each', () => {
  const applied = createApplied();
  applied.record('cart-1', 3, 7);
  const positions = [3, 4].map((partition) => ({ log: 'cart-1', partition, sequence: 5 }));
  expect(applied.includes(positions)).toBe(false);
  applied.record('cart-1', 4, 5);
  expect(applied.includes(positions)).toBe(true);
});
