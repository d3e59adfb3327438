import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { oldestAnsweredMinute, STEP_MS } from './buckets.ts';
import { MAX_POINTS, pointsOf, runsOf, SERIES_STEPS, type SeriesStep, USUAL_POINTS } from './series.ts';
import { readZone, UTC, type Zone } from './zone.ts';

const NOW = Date.UTC(2026, 10, 20, 12, 34, 56);
const PRESENT = { nowMs: NOW, asOfMs: NOW - 5_000, quartersFrom: Number.NEGATIVE_INFINITY };
const zone = (name: string): Zone => readZone(name)!;
const at = (text: string): Date => new Date(text);

const aZone = fc
  .constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata', 'Asia/Kathmandu', 'Pacific/Chatham')
  .map(zone);
const aQuestion = fc.record({
  step: fc.constantFrom(...SERIES_STEPS),
  zone: aZone,
  fromAgo: fc.integer({ min: -5, max: MAX_POINTS }),
  length: fc.option(fc.integer({ min: 0, max: MAX_POINTS }), { nil: undefined }),
  raggedMs: fc.integer({ min: 0, max: STEP_MS.day }),
});

test('each moment of a series lies in one point, and none after its end', () => {
  fc.assert(
    fc.property(aQuestion, ({ step, zone, fromAgo, length, raggedMs }) => {
      const from = NOW - fromAgo * STEP_MS[step] - raggedMs;
      const to = length === undefined ? undefined : from + length * STEP_MS[step];
      if (step === 'minute' && from < oldestAnsweredMinute(NOW)) return;
      if (fromAgo + raggedMs / STEP_MS[step] > MAX_POINTS - 2) return;
      const points = pointsOf(
        { from: new Date(from), to: to === undefined ? to : new Date(to), step, zone },
        PRESENT,
      );
      const ends = [...points.starts.slice(1), points.end];
      for (const [n, start] of points.starts.entries()) expect(ends[n]).toBeGreaterThan(start);
      if (points.starts.length > 0) expect(points.starts[0]).toBeLessThanOrEqual(from);
      if (to !== undefined) expect(points.end).toBeLessThanOrEqual(Math.min(to, PRESENT.asOfMs));
      const runs = runsOf(points);
      expect(runs).toHaveLength(points.starts.length);
      runs.forEach((some, n) => {
        const lengthMs = some.reduce((sum, { sign, from, to }) => sum + sign * (to - from), 0);
        expect(lengthMs).toBe(ends[n]! - points.starts[n]!);
      });
    }),
    { numRuns: 300 },
  );
});

test.each(SERIES_STEPS)(
  'by %ss there are sixty points up to the As-Of where nothing else is asked for',
  (step) => {
    const { starts, end } = pointsOf({ step, zone: UTC }, PRESENT);
    expect(starts).toHaveLength(USUAL_POINTS);
    expect(starts.at(-1)).toBeLessThanOrEqual(PRESENT.asOfMs);
    expect(end).toBeGreaterThan(PRESENT.asOfMs);
  },
);

test('of a time that has not come there are no points', () => {
  const future = at('2027-01-01T00:00:00Z');
  for (const step of SERIES_STEPS) {
    expect(pointsOf({ from: future, step, zone: UTC }, PRESENT).starts).toEqual([]);
    expect(pointsOf({ from: future, to: future, step, zone: UTC }, PRESENT).starts).toEqual([]);
  }
});

test('before anything is known of the source there is no point that claims anything', () => {
  const nothing = { ...PRESENT, asOfMs: 0 };
  const { starts } = pointsOf({ from: at('2026-11-01T00:00:00Z'), step: 'day', zone: UTC }, nothing);
  expect(starts).toEqual([]);
});

test.each<[string, SeriesStep, string, string]>([
  ['five years by days', 'day', '2021-11-01T00:00:00Z', 'at most 1500 points'],
  ['half a year by hours', 'hour', '2026-05-01T00:00:00Z', 'at most 1500 points'],
  ['two days by minutes', 'minute', '2026-11-18T13:00:00Z', 'at most 1500 points'],
  ['minutes of last week', 'minute', '2026-11-11T12:00:00Z', 'Minutes are answered from'],
])('refuses %s, and says what to ask for', (_, step, from, message) => {
  const to = step === 'minute' ? new Date(at(from).getTime() + 26 * STEP_MS.hour) : undefined;
  const asked = () =>
    pointsOf(
      { from: at(from), to: message.startsWith('Min') ? at('2026-11-11T13:00:00Z') : to, step, zone: UTC },
      PRESENT,
    );
  expect(asked).toThrow(message);
  expect(asked).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('says from when on quarter hours are complete, where a zone needs earlier ones', () => {
  const present = { ...PRESENT, quartersFrom: Date.UTC(2026, 10, 10, 7) };
  const ask = (name: string, step: SeriesStep, from: string) => () =>
    pointsOf({ from: at(from), step, zone: zone(name) }, present);
  expect(ask('Asia/Kolkata', 'day', '2026-11-01T00:00:00Z')).toThrow(
    expect.objectContaining({
      code: 'unprocessable',
      message: expect.stringContaining('2026-11-10T12:30:00+05:30'),
    }),
  );
  expect(ask('Asia/Kolkata', 'hour', '2026-11-10T06:45:00Z')).toThrow(/complete/);
  expect(ask('Asia/Kolkata', 'hour', '2026-11-10T07:45:00Z')).not.toThrow();
  expect(ask('Europe/Berlin', 'day', '2026-11-01T00:00:00Z')).not.toThrow();
});

test.each(['UTC', 'America/New_York', 'Pacific/Apia', 'Asia/Kathmandu'])(
  'time begins with the year 1, so no point of %s begins before it',
  (name) => {
    for (const step of ['hour', 'day'] as const) {
      const ask = (question: { from?: Date; to: Date }) =>
        pointsOf({ step, zone: zone(name), ...question }, PRESENT).starts;
      const first = at('0001-01-01T00:00:00Z');
      expect(ask({ to: first })).toEqual([]);
      expect(ask({ from: first, to: first })).toEqual([]);
      expect(ask({ to: at('0001-01-02T00:00:00Z') })[0]).toBe(first.getTime());
      expect(ask({ from: first, to: at('0001-01-02T00:00:00Z') })[0]).toBe(first.getTime());
    }
  },
);
