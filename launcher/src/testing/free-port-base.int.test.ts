import { expect, test } from '@jest/globals';
import { MAX_PORT_OFFSET } from '../system.ts';
import { freePortBase } from './free-port-base.ts';

test('never gives two systems a port in common, although neither has taken its ports yet', async () => {
  const bases: number[] = [];
  for (let n = 0; n < 40; n += 1) bases.push(await freePortBase());
  const inOrder = bases.toSorted((a, b) => a - b);
  for (const [n, base] of inOrder.slice(1).entries()) {
    expect(base - inOrder[n]!).toBeGreaterThan(MAX_PORT_OFFSET);
  }
});
