import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bucketOf, cover, oldestAnsweredMinute, roundDown, STEP_MS } from './buckets.ts';

const NOW = Date.UTC(2026, 10, 1, 12, 34, 56);
const time = fc.integer({ min: NOW - 60 * STEP_MS.day, max: NOW });

test('covers a window by buckets on their grid that add up to it, each moment of it once and none other', () => {
  fc.assert(
    fc.property(time, time, (a, b) => {
      const [from, to] = [roundDown(Math.min(a, b), NOW), roundDown(Math.max(a, b), NOW)];
      const runs = cover(from, to);
      const edges = [...new Set([from, to, ...runs.flatMap((run) => [run.from, run.to])])].sort(
        (x, y) => x - y,
      );
      for (const run of runs) {
        expect(run.to).toBeGreaterThan(run.from);
        expect(bucketOf(run.from, run.step)).toBe(run.from);
        expect(bucketOf(run.to, run.step)).toBe(run.to);
      }
      for (const at of edges) {
        const times = runs
          .filter((run) => run.from <= at && at < run.to)
          .reduce((sum, run) => sum + run.sign, 0);
        expect(times).toBe(from <= at && at < to ? 1 : 0);
      }
    }),
  );
});

test('needs at most twelve hours and thirty minutes at each end', () => {
  const longest = { day: Infinity, hour: 12, minute: 30 };
  fc.assert(
    fc.property(time, time, (a, b) => {
      const runs = cover(roundDown(Math.min(a, b), NOW), roundDown(Math.max(a, b), NOW));
      const ends = runs.some(({ step }) => step === 'day') ? runs.filter(({ step }) => step === 'hour') : [];
      for (const { step, from, to } of ends)
        expect((to - from) / STEP_MS[step]).toBeLessThanOrEqual(longest[step]);
      for (const { step, from, to } of runs.filter(({ step }) => step === 'minute'))
        expect((to - from) / STEP_MS[step]).toBeLessThanOrEqual(2 * longest[step]);
    }),
  );
});

test('never asks for minutes that are no longer kept', () => {
  fc.assert(
    fc.property(time, time, (a, b) => {
      const runs = cover(roundDown(Math.min(a, b), NOW), roundDown(Math.max(a, b), NOW));
      for (const run of runs) {
        if (run.step === 'minute') expect(run.from).toBeGreaterThanOrEqual(oldestAnsweredMinute(NOW));
      }
    }),
  );
});

test('covers a month by days, adding what they miss at its ragged ends and taking off what they hold too much', () => {
  const runs = cover(Date.UTC(2026, 9, 1, 2), Date.UTC(2026, 10, 1, 22, 58));
  const shown = runs.map(({ step, from, to, sign }) => `${sign * ((to - from) / STEP_MS[step])} ${step}s`);
  expect(shown).toEqual(['-2 hours', '32 days', '-2 minutes', '-1 hours']);
});

test('rounds down to a minute within two days and to an hour before that', () => {
  expect(roundDown(NOW, NOW)).toBe(Date.UTC(2026, 10, 1, 12, 34));
  expect(roundDown(NOW - 3 * STEP_MS.day, NOW)).toBe(Date.UTC(2026, 9, 29, 12));
  expect(roundDown(-1, NOW)).toBe(-STEP_MS.hour);
});
