import { z } from 'zod';

/**
 * A moment as text, RFC 3339 (5.6) with its zone. Parses to UTC with milliseconds, so that such texts sort by time. Limited to
 * the years 0001 to 9999 in UTC: RFC 3339 has four digits for a year, even after the offset is subtracted, and PostgreSQL
 * has no year 0. Leap seconds are refused, because no clock here shows one.
 */
export const moment = z.iso
  .datetime({ offset: true, error: 'must be a time as in 2026-11-01T09:30:00Z' })
  .transform((given) => new Date(given).toISOString())
  .refine((utc) => /^(?!0000)[0-9]{4}-/.test(utc), 'must be a time within the years 0001 to 9999, in UTC');
