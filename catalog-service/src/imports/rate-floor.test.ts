import { expect, test } from '@jest/globals';
import { createRateFloor } from './rate-floor.ts';

const floor = () => createRateFloor({ minWindowBytes: 100, rateWindowMs: 1_000 });

test('a sender is too slow when a window of waiting has brought too little, and not before', () => {
  const isTooSlow = floor();
  expect([isTooSlow(600, 1), isTooSlow(399, 98), isTooSlow(1, 0)]).toEqual([false, false, true]);
});

test('each window counts for itself', () => {
  const isTooSlow = floor();
  expect([isTooSlow(1_000, 100), isTooSlow(999, 0), isTooSlow(1, 99)]).toEqual([false, false, true]);
});

test('a sender is never too slow while the reader hardly waits for it', () => {
  const isTooSlow = floor();
  expect(Array.from({ length: 1_000 }, () => isTooSlow(1, 1_000))).not.toContain(true);
});
