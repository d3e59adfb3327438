import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bucketOf, oldestAnsweredMinute, oldestKeptMinute, roundDown, STEP_MS } from './buckets.ts';
import { coverWindow, type Span, windowOf } from './window.ts';

const NOW = Date.UTC(2026, 10, 20, 12, 34, 56);
const minutesFrom = oldestAnsweredMinute(NOW);
const quartersFrom = bucketOf(NOW - 9 * STEP_MS.day, 'hour');

const past = fc.oneof(
  fc.integer({ min: NOW - 90 * STEP_MS.day, max: NOW }),
  fc.integer({ min: NOW - 3 * STEP_MS.day, max: NOW + STEP_MS.hour }),
);
const bound = fc.option(
  fc
    .oneof(past, fc.integer({ min: Date.parse('0001-01-01T00:00:00Z'), max: Date.UTC(9999, 0) }))
    .map((timeMs) => roundDown(timeMs, { minutesFrom, quartersFrom })),
  { nil: undefined },
);

/** The span of these times, of whose minutes only those are there that are kept. */
function spanOf(times: readonly number[]): Span | undefined {
  if (times.length === 0) return undefined;
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const minutes = times.filter((timeMs) => timeMs >= oldestKeptMinute(NOW));
  return {
    firstDay: bucketOf(first, 'day'),
    lastDay: bucketOf(last, 'day'),
    lastHour: bucketOf(last, 'hour'),
    lastMinute: minutes.length > 0 ? bucketOf(Math.max(...minutes), 'minute') : undefined,
  };
}

test('a covered window counts each event within it once and none other, by minutes that are answered', () => {
  fc.assert(
    fc.property(fc.array(past, { maxLength: 40 }), bound, bound, (times, from, to) => {
      const { fromTotal, runs } = coverWindow({ from, to, minutesFrom }, spanOf(times));
      for (const timeMs of times) {
        const counted = runs
          .filter((run) => run.from <= timeMs && timeMs < run.to)
          .reduce((sum, { sign }) => sum + sign, Number(fromTotal));
        const isWithin = timeMs >= (from ?? -Infinity) && timeMs < (to ?? Infinity);
        expect(counted).toBe(isWithin ? 1 : 0);
      }
      for (const { step, from: start } of runs) {
        if (step === 'minute') expect(start).toBeGreaterThanOrEqual(minutesFrom);
        if (step === 'quarter') expect(start).toBeGreaterThanOrEqual(quartersFrom);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('reads no more buckets than half of the days on which anything was counted, and ragged ends', () => {
  const RAGGED_ENDS = 4 * (12 + 30);
  fc.assert(
    fc.property(fc.array(past, { minLength: 1, maxLength: 40 }), bound, bound, (times, from, to) => {
      const days = (bucketOf(Math.max(...times), 'day') - Math.min(...times)) / STEP_MS.day;
      const { buckets } = coverWindow({ from, to, minutesFrom }, spanOf(times));
      expect(buckets).toBeLessThanOrEqual(days / 2 + 1 + RAGGED_ENDS);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ['from before the first event on', { from: Date.UTC(2000, 0) }],
  ['up to after the last one', { to: NOW }],
  ['from the earliest to the latest', { from: Date.parse('0001-01-01T00:00:00Z'), to: Date.UTC(9999, 0) }],
])('is the total without any bucket, %s', (_, window) => {
  const span = spanOf([NOW - 80 * STEP_MS.day, NOW - 10 * STEP_MS.minute]);
  expect(coverWindow({ ...window, minutesFrom }, span)).toEqual({ fromTotal: true, runs: [], buckets: 0 });
});

test('reads nothing of a window before the first event', () => {
  const span = spanOf([NOW]);
  const to = Date.parse('0001-01-01T00:00:00Z');
  expect(coverWindow({ to, minutesFrom }, span)).toEqual({ fromTotal: false, runs: [], buckets: 0 });
});

test('a window ends no later than the smaller of what is asked and the As-Of', () => {
  fc.assert(
    fc.property(past, past, past, (asked, other, asOfMs) => {
      const window = windowOf(
        { from: new Date(asked), to: new Date(other) },
        { nowMs: NOW, asOfMs, quartersFrom },
      );
      expect(window.to).toBeLessThanOrEqual(Math.min(other, asOfMs));
      expect(window.from).toBeLessThanOrEqual(Math.min(asked, asOfMs));
      if (asked <= other) expect(window.from).toBeLessThanOrEqual(window.to!);
    }),
  );
});
