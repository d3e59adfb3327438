import { z } from 'zod';

const FORM = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/;

/** A product's id: 1 to 64 characters of letters, digits, dot, underscore and hyphen, but neither `.` nor `..`. */
export const productId = z
  .string()
  .regex(FORM, 'must be 1 to 64 characters of A-Z a-z 0-9 . _ -, and not . or ..')
  .meta({ example: '1029743' });

export const isProductId = (text: string): boolean => FORM.test(text);
