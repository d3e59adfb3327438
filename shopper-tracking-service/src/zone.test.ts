import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { STEP_MS } from './buckets.ts';
import { bucketStarts, clockTime, readZone, shiftDays, type Zone } from './zone.ts';

const ZONES = [
  ...['UTC', 'Europe/Berlin', 'Europe/London', 'America/New_York', 'America/St_Johns', 'America/Havana'],
  ...[
    'Asia/Beirut',
    'Asia/Kathmandu',
    'Asia/Kolkata',
    'Asia/Tehran',
    'Australia/Lord_Howe',
    'Australia/Adelaide',
  ],
  ...['Pacific/Apia', 'Pacific/Chatham', 'Pacific/Kiritimati', 'Africa/Cairo', 'Africa/Casablanca'],
];
const FIRST = Date.UTC(2012, 0, 1);
const LAST = Date.UTC(2037, 0, 1);
const zoneOf = (name: string): Zone => readZone(name)!;

const aZone = fc.constantFrom(...ZONES, ...Intl.supportedValuesOf('timeZone')).map(zoneOf);
const aTime = fc.integer({ min: FIRST, max: LAST });

/** What a clock of the zone shows, by another way than the one that is tested. */
function shownBy(zone: Zone) {
  const format = new Intl.DateTimeFormat('en-u-hc-h23', {
    timeZone: zone,
    calendar: 'iso8601',
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
  } as Intl.DateTimeFormatOptions);
  return (timeMs: number) => {
    const parts = Object.fromEntries(format.formatToParts(timeMs).map(({ type, value }) => [type, value]));
    return { date: `${parts.year}-${parts.month}-${parts.day}`, hour: parts.hour!, minute: parts.minute! };
  };
}

const at = (text: string): number => Date.parse(text);
const hoursBetween = (starts: readonly number[]): number[] =>
  starts.slice(1).map((start, n) => (start - starts[n]!) / STEP_MS.hour);

describe.each(['day', 'hour'] as const)('the %ss of a zone', (step) => {
  test('hold each moment once: the first begins at or before the window, each ends where the next begins', () => {
    fc.assert(
      fc.property(aZone, aTime, fc.integer({ min: 1, max: 40 * STEP_MS[step] }), (zone, from, lengthMs) => {
        const to = from + lengthMs;
        const starts = bucketStarts({ zone, step, from, to });
        expect(starts[0]).toBeLessThanOrEqual(from);
        expect(starts.at(-1)).toBeLessThan(to);
        expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b));
        for (const start of starts) expect(start % STEP_MS.quarter).toBe(0);
        // Asked from elsewhere, they begin at the same moments.
        const [middle, last] = [starts[Math.floor(starts.length / 2)]!, starts.at(-1)!];
        expect(bucketStarts({ zone, step, from: middle, to })).toEqual(starts.filter((one) => one >= middle));
        expect(bucketStarts({ zone, step, from: last, to: last + 1 })).toEqual([last]);
      }),
      { numRuns: 300 },
    );
  });
});

test('a day begins where a clock shows a later date for the first time', () => {
  fc.assert(
    fc.property(aZone, aTime, (zone, from) => {
      const shown = shownBy(zone);
      const to = from + 3 * STEP_MS.day;
      const expected = [];
      let latest = '';
      for (
        let timeMs = from - (from % STEP_MS.quarter) - 2 * STEP_MS.day;
        timeMs < to;
        timeMs += STEP_MS.quarter
      ) {
        const { date } = shown(timeMs);
        if (date > latest) expected.push(timeMs);
        if (date > latest) latest = date;
      }
      const starts = bucketStarts({ zone, step: 'day', from, to });
      // The first of what was walked through began before the walk did.
      expect(starts).toEqual(expected.slice(1).slice(-starts.length));
    }),
    { numRuns: 300 },
  );
});

test('an hour begins where a clock shows a full hour, or jumps', () => {
  fc.assert(
    fc.property(aZone, aTime, (zone, from) => {
      const shown = shownBy(zone);
      const to = from + 30 * STEP_MS.hour;
      const first = from - (from % STEP_MS.quarter) - 3 * STEP_MS.hour;
      const expected = [];
      for (let timeMs = first; timeMs < to; timeMs += STEP_MS.quarter) {
        const [before, now] = [shown(timeMs - STEP_MS.quarter), shown(timeMs)];
        const passed =
          (Number(now.hour) * 60 +
            Number(now.minute) -
            Number(before.hour) * 60 -
            Number(before.minute) +
            1440) %
          1440;
        if (now.minute === '00' || passed !== 15) expected.push(timeMs);
      }
      const starts = bucketStarts({ zone, step: 'hour', from, to });
      expect(starts).toEqual(expected.slice(-starts.length));
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['Europe/Berlin', '2026-03-28T23:00Z', [23, 24]],
  ['Europe/Berlin', '2026-10-24T22:00Z', [25, 24]],
  // Midnight is left out: the day begins at one.
  ['America/Havana', '2026-03-08T05:00Z', [23, 24]],
  // Midnight comes twice.
  ['America/Havana', '2026-11-01T04:00Z', [25, 24]],
  ['Asia/Beirut', '2026-03-28T22:00Z', [23, 24]],
  // The last hour of the day comes twice.
  ['Asia/Beirut', '2026-10-23T21:00Z', [25, 24]],
  ['Australia/Lord_Howe', '2026-04-04T13:00Z', [24.5, 24]],
  ['Australia/Lord_Howe', '2026-10-03T13:30Z', [23.5, 24]],
  ['Asia/Kathmandu', '2026-10-03T18:15Z', [24, 24]],
] as const)('in %s the days from %s on have these hours', (name, from, hours) => {
  const starts = bucketStarts({
    zone: zoneOf(name),
    step: 'day',
    from: at(from),
    to: at(from) + 3 * STEP_MS.day,
  });
  expect(starts[0]).toBe(at(from));
  expect(hoursBetween(starts).slice(0, 2)).toEqual(hours);
});

test('a day that a zone left out is no bucket', () => {
  const zone = zoneOf('Pacific/Apia');
  const starts = bucketStarts({
    zone,
    step: 'day',
    from: at('2011-12-29T10:00Z'),
    to: at('2012-01-01T10:00Z'),
  });
  expect(starts.map((start) => clockTime(start, zone))).toEqual([
    '2011-12-29T00:00:00-10:00',
    '2011-12-31T00:00:00+14:00',
    '2012-01-01T00:00:00+14:00',
  ]);
});

test("Lord Howe's clock jumps by half an hour, which makes a short hour and a repeated one", () => {
  const zone = zoneOf('Australia/Lord_Howe');
  const shown = (from: string, to: string) =>
    bucketStarts({ zone, step: 'hour', from: at(from), to: at(to) }).map((start) => clockTime(start, zone));
  expect(shown('2026-04-04T14:00Z', '2026-04-04T16:30Z')).toEqual([
    '2026-04-05T01:00:00+11:00',
    '2026-04-05T01:30:00+10:30',
    '2026-04-05T02:00:00+10:30',
  ]);
  expect(shown('2026-10-03T14:30Z', '2026-10-03T17:00Z')).toEqual([
    '2026-10-04T01:00:00+10:30',
    '2026-10-04T02:30:00+11:00',
    '2026-10-04T03:00:00+11:00',
  ]);
});

test('what a clock shows names its moment, in every zone and century', () => {
  fc.assert(
    fc.property(
      aZone,
      fc.integer({ min: at('0001-01-03T00:00:00Z'), max: at('9999-12-29T00:00:00Z') }),
      (zone, ms) => {
        const timeMs = ms - (((ms % 1_000) + 1_000) % 1_000);
        const text = clockTime(timeMs, zone);
        expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/);
        expect(at(text)).toBe(timeMs);
      },
    ),
  );
  expect(clockTime(0, zoneOf('UTC'))).toBe('1970-01-01T00:00:00Z');
});

test('days and hours are on quarter hours in every century, also where a clock went by the sun', () => {
  fc.assert(
    fc.property(
      aZone,
      fc.integer({ min: at('1800-01-01T00:00:00Z'), max: FIRST }),
      fc.constantFrom('day', 'hour'),
      (zone, from, step) => {
        const starts = bucketStarts({ zone, step, from, to: from + 3 * STEP_MS.day });
        expect(starts[0]).toBeLessThanOrEqual(from);
        expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b));
        for (const start of starts) expect(Math.abs(start % STEP_MS.quarter)).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});

test('a moment is moved by days to the same time of the clock, or the next that there is', () => {
  expect(shiftDays(at('2026-10-26T00:30Z'), -7, zoneOf('Europe/Berlin'))).toBe(at('2026-10-18T23:30Z'));
  expect(shiftDays(at('2026-04-05T00:30Z'), -7, zoneOf('Europe/Berlin'))).toBe(at('2026-03-29T01:30Z'));
  expect(shiftDays(at('2026-10-26T00:30Z'), -7, zoneOf('UTC'))).toBe(at('2026-10-19T00:30Z'));
});

test.each([
  ['europe/berlin', 'Europe/Berlin'],
  ['ASIA/KATHMANDU', 'Asia/Kathmandu'],
  ['asia/katmandu', 'Asia/Katmandu'],
  ['us/eastern', 'US/Eastern'],
  ['utc', 'UTC'],
  ['Etc/GMT+5', 'Etc/GMT+5'],
])('reads %s as a zone', (name, zone) => {
  expect(readZone(name)).toBe(zone);
});

test.each([
  ...[
    '',
    ' ',
    'Nowhere/Else',
    'Europe/Berlin ',
    '+05:30',
    '-0300',
    '2026-01-01T00:00Z[Europe/Paris]',
    '__proto__',
  ],
  ...['2026-01-01T00:00:00Z', 'Z', 'Europe/Berlın', 'Ｅurope/Berlin', 'A'.repeat(65)],
])('reads no zone in %j', (name) => {
  expect(readZone(name)).toBeUndefined();
});
