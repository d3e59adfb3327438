import { describe, expect, test } from '@jest/globals';
import { instant, uuid, wholeNumber } from './parameters.ts';

describe('parameters', () => {
  test('accepts one spelling of a whole number', () => {
    const limit = wholeNumber({ min: 1, max: 1_000 });
    expect(limit.parse('500')).toBe(500);
    for (const text of ['', '0', '1001', '-1', '+1', '01', '1.0', '1e2', '0x10', ' 1', '１', 'NaN']) {
      expect(limit.safeParse(text).error?.issues[0]?.message).toBe('must be a whole number from 1 to 1000');
    }
  });

  test('accepts a time with a zone', () => {
    expect(instant().parse('2026-11-01T10:30:00+01:00')).toEqual(new Date('2026-11-01T09:30:00Z'));
    for (const text of ['', '2026-11-01', '2026-11-01T09:30:00', '2026-13-01T09:30:00Z', 'yesterday']) {
      expect(instant().safeParse(text).success).toBe(false);
    }
  });

  test('refuses a time whose year in UTC has not four digits or is 0', () => {
    for (const text of ['0000-06-01T00:00:00Z', '9999-12-31T23:59:59-23:59', '0001-01-01T00:00:00+23:59']) {
      expect(instant().safeParse(text).success).toBe(false);
    }
  });

  test('reads a UUID in capitals as the same', () => {
    const id = '3f2a9c1e-7b1d-4c55-9e0a-d1f2a3b4c5d6';
    for (const text of [id, id.toUpperCase(), id.replace('f', 'F')]) expect(uuid().parse(text)).toBe(id);
    for (const text of ['', `{${id}}`, `urn:uuid:${id}`, id.replaceAll('-', '')])
      expect(uuid().safeParse(text).success).toBe(false);
  });
});
