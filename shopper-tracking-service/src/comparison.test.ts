import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { STEP_MS } from './buckets.ts';
import { comparedBounds } from './comparison.ts';
import { bucketStarts, clockTime, readZone, type Zone } from './zone.ts';

const ALL_KEPT = { minutesFrom: Number.NEGATIVE_INFINITY, quartersFrom: Number.NEGATIVE_INFINITY };
const zone = (name: string): Zone => readZone(name)!;
const at = (text: string): number => Date.parse(text);

const compare = (name: string, from: string, to: string, comparison: 'previous' | 'previous-week') => {
  const bounds = comparedBounds({ from: at(from), to: at(to) }, comparison, zone(name), ALL_KEPT);
  return [bounds.from, bounds.to].map((timeMs) => clockTime(timeMs, zone(name)));
};

test.each([
  [
    'a day of 25 hours, with the day before',
    ['Europe/Berlin', '2026-10-25T00:00:00+02:00', '2026-10-26T00:00:00+01:00', 'previous'],
    ['2026-10-24T00:00:00+02:00', '2026-10-25T00:00:00+02:00'],
  ],
  [
    'a month by its days, with as many days before',
    ['Europe/Berlin', '2026-04-01T00:00:00+02:00', '2026-05-01T00:00:00+02:00', 'previous'],
    ['2026-03-02T00:00:00+01:00', '2026-04-01T00:00:00+02:00'],
  ],
  [
    'a part of a day, with as much time before',
    ['Europe/Berlin', '2026-10-25T00:00:00+02:00', '2026-10-25T06:00:00+01:00', 'previous'],
    ['2026-10-24T17:00:00+02:00', '2026-10-25T00:00:00+02:00'],
  ],
  [
    'a day, with the same weekday before',
    ['Europe/Berlin', '2026-10-26T00:00:00+01:00', '2026-10-27T00:00:00+01:00', 'previous-week'],
    ['2026-10-19T00:00:00+02:00', '2026-10-20T00:00:00+02:00'],
  ],
  [
    'a morning, with the same hours by the clock',
    ['America/Havana', '2026-03-10T08:00:00-04:00', '2026-03-10T12:30:00-04:00', 'previous-week'],
    ['2026-03-03T08:00:00-05:00', '2026-03-03T12:30:00-05:00'],
  ],
  [
    'a week that has an hour more, with the week before',
    ['Europe/Berlin', '2026-10-19T00:00:00+02:00', '2026-10-26T00:00:00+01:00', 'previous-week'],
    ['2026-10-12T00:00:00+02:00', '2026-10-19T00:00:00+02:00'],
  ],
  [
    'eight days, with the same weekdays two weeks before',
    ['UTC', '2026-10-19T00:00:00Z', '2026-10-27T00:00:00Z', 'previous-week'],
    ['2026-10-05T00:00:00Z', '2026-10-13T00:00:00Z'],
  ],
  [
    'a day whose midnight is left out, with the day before',
    ['America/Havana', '2026-03-08T01:00:00-04:00', '2026-03-09T00:00:00-04:00', 'previous'],
    ['2026-03-07T00:00:00-05:00', '2026-03-08T01:00:00-04:00'],
  ],
] as const)('compares %s', (_, [name, from, to, comparison], expected) => {
  expect(compare(name, from, to, comparison)).toEqual(expected);
});

const aZone = fc
  .constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/Havana',
    'Asia/Beirut',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
  )
  .map(zone);
const aTime = fc.integer({ min: at('2012-01-01T00:00:00Z'), max: at('2036-01-01T00:00:00Z') });

test('the window before ends where the other begins, and has as many days where both ends are midnights', () => {
  fc.assert(
    fc.property(aZone, aTime, fc.integer({ min: 1, max: 40 }), (zone, timeMs, days) => {
      const starts = bucketStarts({ zone, step: 'day', from: timeMs, to: timeMs + (days + 2) * STEP_MS.day });
      const bounds = { from: starts[0]!, to: starts[days]! };
      const before = comparedBounds(bounds, 'previous', zone, ALL_KEPT);
      expect(before.to).toBe(bounds.from);
      expect(bucketStarts({ zone, step: 'day', from: before.from, to: before.to })).toHaveLength(days);
    }),
  );
});

test('the same weekdays before never overlap with the window, nor lie further away than they need', () => {
  fc.assert(
    fc.property(aZone, aTime, fc.integer({ min: 1, max: 60 * 24 }), (zone, timeMs, hours) => {
      const from = timeMs - (timeMs % STEP_MS.hour);
      const before = comparedBounds(
        { from, to: from + hours * STEP_MS.hour },
        'previous-week',
        zone,
        ALL_KEPT,
      );
      expect(before.to).toBeLessThanOrEqual(from);
      expect(from - before.to).toBeLessThan(7 * STEP_MS.day + 2 * STEP_MS.hour);
    }),
  );
});

test('the window before is rounded down to what is kept of it', () => {
  const kept = { minutesFrom: at('2026-10-20T00:00:00Z'), quartersFrom: at('2026-10-10T00:00:00Z') };
  const bounds = { from: at('2026-10-20T10:07:00Z'), to: at('2026-10-20T12:34:00Z') };
  expect(comparedBounds(bounds, 'previous-week', zone('UTC'), kept)).toEqual({
    from: at('2026-10-13T10:00:00Z'),
    to: at('2026-10-13T12:30:00Z'),
  });
});

test.each(['previous', 'previous-week'] as const)(
  'with %s nothing is compared with a time before the year 1',
  (comparison) => {
    const first = at('0001-01-01T00:00:00Z');
    const bounds = { from: first, to: at('2026-11-01T00:00:00Z') };
    for (const name of ['UTC', 'America/New_York']) {
      expect(comparedBounds(bounds, comparison, zone(name), ALL_KEPT)).toEqual({ from: first, to: first });
    }
  },
);
