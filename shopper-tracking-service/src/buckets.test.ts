import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bucketOf, cover, oldestMinute, roundToKept, STEP_MS } from './buckets.ts';

const NOW = Date.UTC(2026, 10, 1, 12, 34, 56);
const time = fc.integer({ min: NOW - 60 * STEP_MS.day, max: NOW });

test('covers a window by buckets that touch without overlapping and keep their grid', () => {
  fc.assert(
    fc.property(time, time, (a, b) => {
      const [from, to] = [roundToKept(Math.min(a, b), NOW), roundToKept(Math.max(a, b), NOW)];
      const runs = cover(from, to);
      let at = from;
      for (const run of runs) {
        expect(run.from).toBe(at);
        expect(run.to).toBeGreaterThan(run.from);
        expect(bucketOf(run.from, run.step)).toBe(run.from);
        expect(bucketOf(run.to, run.step)).toBe(run.to);
        at = run.to;
      }
      expect(at).toBe(to);
    }),
  );
});

test('never asks for minutes that are no longer kept', () => {
  fc.assert(
    fc.property(time, time, (a, b) => {
      const runs = cover(roundToKept(Math.min(a, b), NOW), roundToKept(Math.max(a, b), NOW));
      for (const run of runs) {
        if (run.step === 'minute') expect(run.from).toBeGreaterThanOrEqual(oldestMinute(NOW));
      }
    }),
  );
});

test('covers a month by days and its ragged ends by few finer buckets', () => {
  const from = Date.UTC(2026, 9, 1, 10);
  const to = Date.UTC(2026, 10, 1, 12, 30);
  expect(cover(from, to).map(({ step }) => step)).toEqual(['hour', 'day', 'hour', 'minute']);
});

test('rounds down to a minute within two days and to an hour before that', () => {
  expect(roundToKept(NOW, NOW)).toBe(Date.UTC(2026, 10, 1, 12, 34));
  expect(roundToKept(NOW - 3 * STEP_MS.day, NOW)).toBe(Date.UTC(2026, 9, 29, 12));
  expect(roundToKept(-1, NOW)).toBe(-STEP_MS.hour);
});
