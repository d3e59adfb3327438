import { expect, test } from '@jest/globals';
import { preferredWaitMs } from './consistency.ts';

test.each([
  [undefined, 0],
  ['wait=5', 5_000],
  ['respond-async, wait=10', 10_000],
  ['Wait = "7"; x=y', 7_000],
  ['wait=5, wait=9', 5_000],
  ['wait=3600', 30_000],
  ['wait=-1', 0],
  ['wait=soon', 0],
  ['wait', 0],
])('Prefer %p waits %p ms', (prefer, waitMs) => {
  expect(preferredWaitMs(prefer)).toBe(waitMs);
});
