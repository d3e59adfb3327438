import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { moment } from './moment.ts';

const two = (n: number) => String(n).padStart(2, '0');
const digits = (max: number, min = 0) => fc.integer({ min, max }).map(two);
const offset = fc.oneof(
  fc.constantFrom('Z', '+00:00', '-00:00'),
  fc.tuple(fc.constantFrom('+', '-'), digits(23), digits(59)).map(([sign, h, m]) => `${sign}${h}:${m}`),
);
/** What RFC 3339 (5.6) can express in any year of four digits, leap seconds aside. */
const time = fc
  .record({
    year: fc.oneof(fc.integer({ min: 0, max: 9999 }), fc.constantFrom(0, 1, 9999)),
    month: fc.oneof(digits(12, 1), fc.constantFrom('01', '12')),
    day: fc.oneof(digits(28, 1), fc.constantFrom('01', '31')),
    hour: digits(23),
    minute: digits(59),
    second: digits(59),
    fraction: fc.oneof(
      fc.constant(''),
      fc.stringMatching(/^[0-9]{1,12}$/).map((text) => `.${text}`),
    ),
    offset,
  })
  .map((t) => {
    const date = `${String(t.year).padStart(4, '0')}-${t.month}-${t.day}`;
    return `${date}T${t.hour}:${t.minute}:${t.second}${t.fraction}${t.offset}`;
  });

describe('a moment', () => {
  test('becomes UTC with a year of four digits, from 0001 on, or is refused', () => {
    fc.assert(
      fc.property(time, (text) => {
        const parsed = moment.safeParse(text);
        const utcMs = Date.parse(text);
        const isInRange = utcMs >= Date.parse('0001-01-01T00:00:00Z') && utcMs < Date.UTC(10_000, 0);
        const isDay = new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDate() === Number(text.slice(8, 10));
        expect(parsed.success).toBe(isInRange && isDay);
        if (parsed.success) {
          expect(parsed.data).toMatch(/^(?!0000)[0-9]{4}-[0-9-]{5}T[0-9:]{8}\.[0-9]{3}Z$/);
          expect(Date.parse(parsed.data)).toBe(utcMs);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    '',
    'yesterday',
    '2026-11-01',
    '2026-11-01T09:30:00',
    '2026-11-01T09:30Z',
    '2026-11-01T09:30:00+01',
    '2026-11-01T09:30:00+0100',
    '2026-11-01T09:30:00+24:00',
    '2026-11-01T24:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-13-01T09:30:00Z',
    '+002026-11-01T09:30:00Z',
    '-000001-11-01T09:30:00Z',
    '10000-01-01T00:00:00Z',
    '0000-12-31T23:59:59Z',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-23:59',
  ])('is not %j', (text) => {
    expect(moment.safeParse(text).success).toBe(false);
  });

  test.each([
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['0000-12-31T23:59:59-00:01', '0001-01-01T00:00:59.000Z'],
    ['9999-12-31T23:59:59.9999Z', '9999-12-31T23:59:59.999Z'],
    ['2026-11-01T10:30:00+01:00', '2026-11-01T09:30:00.000Z'],
  ])('%s is %s', (text, utc) => {
    expect(moment.parse(text)).toBe(utc);
  });
});
