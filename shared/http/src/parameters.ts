/**
 * Schemas of parameters and headers, which arrive as text. They accept one spelling of each value: `z.coerce.number()`
 * would read '' as 0, and '0x10' and '1e3' as numbers.
 */

import { moment } from '@micromart/text/moment';
import { z } from 'zod';
import { HEADER_TEXT, NOT_ASCII } from './request/request-text.ts';

const WHOLE_NUMBER = /^(?:0|[1-9][0-9]{0,15})$/;

/** A whole number in decimal digits, without sign or leading zeros. */
export const wholeNumber = ({ min = 0, max }: { min?: number; max: number }) =>
  z
    .string()
    .refine((text) => WHOLE_NUMBER.test(text) && Number(text) >= min && Number(text) <= max, {
      error: `must be a whole number from ${min} to ${max}`,
    })
    .transform(Number)
    .meta({ override: { type: 'integer', minimum: min, maximum: max } });

/** A moment in RFC 3339 with a zone, in the years 0001 to 9999: `2026-11-01T09:30:00Z`. */
export const instant = () => moment.transform((utc) => new Date(utc));

/** Any text that a header may have. */
export const headerText = () => z.string().regex(HEADER_TEXT, NOT_ASCII);

/** A UUID in capitals or small letters, which are the same (RFC 9562, 4); the result has small ones. */
export const uuid = () => z.uuid().toLowerCase();
