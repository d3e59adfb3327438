import { expect, test } from '@jest/globals';
import { addFigures, NO_FIGURES, quantile } from './figures.ts';

test('figures of several runs are put together', () => {
  const a = { counts: { kills: 2 }, inFlight: [40, 50], timesMs: { service: [1, 2] } };
  const b = {
    counts: { kills: 1, cuts: 3 },
    inFlight: [60],
    timesMs: { service: [3], PostgreSQL: [9] },
  };
  expect(addFigures(addFigures(NO_FIGURES, a), b)).toEqual({
    counts: { kills: 3, cuts: 3 },
    inFlight: [40, 50, 60],
    timesMs: { service: [1, 2, 3], PostgreSQL: [9] },
  });
});

test('a quantile is one of the values, and there is none of none', () => {
  const values = Array.from({ length: 100 }, (_, n) => 100 - n);
  expect([quantile(values, 0.5), quantile(values, 0.99), quantile([7], 0.99)]).toEqual([50, 99, 7]);
  expect(quantile([], 0.5)).toBeUndefined();
});
