import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bucketOf, cover, oldestAnsweredMinute, roundDown, STEP_MS } from './buckets.ts';

const NOW = Date.UTC(2026, 10, 1, 12, 34, 56);
const KEPT = {
  minutesFrom: oldestAnsweredMinute(NOW),
  quartersFrom: NOW - (NOW % STEP_MS.hour) - 9 * STEP_MS.day,
};
const time = fc.integer({ min: NOW - 60 * STEP_MS.day, max: NOW });

test('covers a window by buckets on their grid that add up to it, each moment of it once and none other', () => {
  fc.assert(
    fc.property(time, time, (a, b) => {
      const [from, to] = [roundDown(Math.min(a, b), KEPT), roundDown(Math.max(a, b), KEPT)];
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

test('needs at most twelve hours, two quarters and seven minutes at each end', () => {
  const longest = { day: Infinity, hour: 12, quarter: 2, minute: 7 };
  fc.assert(
    fc.property(time, time, (a, b) => {
      const runs = cover(roundDown(Math.min(a, b), KEPT), roundDown(Math.max(a, b), KEPT));
      const ends = runs.some(({ step }) => step === 'day') ? runs.filter(({ step }) => step === 'hour') : [];
      for (const { step, from, to } of ends)
        expect((to - from) / STEP_MS[step]).toBeLessThanOrEqual(longest[step]);
      for (const { step, from, to } of runs.filter(({ step }) => step === 'quarter' || step === 'minute'))
        expect((to - from) / STEP_MS[step]).toBeLessThanOrEqual(2 * longest[step]);
    }),
  );
});

test('never asks for minutes or quarter hours that are not kept', () => {
  fc.assert(
    fc.property(time, time, (a, b) => {
      const runs = cover(roundDown(Math.min(a, b), KEPT), roundDown(Math.max(a, b), KEPT));
      for (const run of runs) {
        if (run.step === 'minute') expect(run.from).toBeGreaterThanOrEqual(KEPT.minutesFrom);
        if (run.step === 'quarter') expect(run.from).toBeGreaterThanOrEqual(KEPT.quartersFrom);
      }
    }),
  );
});

test('covers a month by days, adding what they miss at its ragged ends and taking off what they hold too much', () => {
  const runs = cover(Date.UTC(2026, 9, 1, 2), Date.UTC(2026, 10, 1, 22, 58));
  const shown = runs.map(({ step, from, to, sign }) => `${sign * ((to - from) / STEP_MS[step])} ${step}s`);
  expect(shown).toEqual(['-2 hours', '32 days', '-2 minutes', '-1 hours']);
});

test('rounds down to a minute within two days, to a quarter before that, and to an hour where there are no quarters', () => {
  expect(roundDown(NOW, KEPT)).toBe(Date.UTC(2026, 10, 1, 12, 34));
  expect(roundDown(NOW - 3 * STEP_MS.day, KEPT)).toBe(Date.UTC(2026, 9, 29, 12, 30));
  expect(roundDown(NOW - 10 * STEP_MS.day, KEPT)).toBe(Date.UTC(2026, 9, 22, 12));
  expect(roundDown(-1, KEPT)).toBe(-STEP_MS.hour);
  expect(roundDown(-1, { ...KEPT, quartersFrom: -Infinity })).toBe(-STEP_MS.quarter);
});
