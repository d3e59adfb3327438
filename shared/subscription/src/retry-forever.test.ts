import { expect, test } from '@jest/globals';
import { pauseMs, retryForever } from './retry-forever.ts';

test('pauses longer after each failure, up to a limit, half of it by chance', () => {
  expect([1, 2, 3, 4].map((failures) => Math.round(pauseMs(failures, 1)))).toEqual([100, 130, 169, 220]);
  expect(pauseMs(1, 0)).toBe(50);
  expect(pauseMs(1_000, 1)).toBe(5_000);
});

test('repeats a step after an error, and ends when it is aborted', async () => {
  const stop = new AbortController();
  const errors: unknown[] = [];
  let steps = 0;
  const step = async () => {
    steps += 1;
    if (steps === 2) throw new Error('once');
    if (steps === 4) stop.abort();
  };
  await retryForever(step, { signal: stop.signal, onError: (error) => errors.push(error) });
  expect(steps).toBe(4);
  expect(errors).toEqual([new Error('once')]);
});
