import { z } from 'zod';

/** A product's id: 1 to 64 characters of letters, digits, dot, underscore and hyphen, but neither `.` nor `..`. */
export const productId = z
  .string()
  .regex(
    /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/,
    'must be 1 to 64 characters of A-Z a-z 0-9 . _ -, and not . or ..',
  )
  .meta({ example: '1029743' });
