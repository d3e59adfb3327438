import { expect, test } from '@jest/globals';
import { createPositions } from './positions.ts';

test('keeps the highest sequence of each partition of each log, whatever the order of the answers', () => {
  const positions = createPositions();
  expect(positions.consistentWith()).toBeUndefined();
  for (const header of ['cart-a/7@9', undefined, 'cart-a/7@12, cart-a/1@3', 'cart-a/7@10', 'cart-b/7@1'])
    positions.note(header);
  expect(positions.consistentWith()).toBe('cart-a/7@12, cart-a/1@3, cart-b/7@1');
});

test('refuses a header that is no position', () => {
  expect(() => createPositions().note('cart-a')).toThrow(/Position header "cart-a"/);
});
