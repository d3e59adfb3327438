import { z } from 'zod';

/**
 * The most that a price may be, in minor units. A cart holds at most 500 lines of 999 units, so that no total passes
 * what JSON's numbers can hold exactly (RFC 8259, 6: up to 2^53 - 1).
 */
export const MAX_AMOUNT = 10_000_000_000;

/** An amount in minor units (cents), and its currency (ISO 4217). */
export const money = z.object({
  // JSON knows -0, which is 0 in every respect but that a comparison of states tells them apart.
  amount: z
    .int()
    .min(0)
    .overwrite((amount) => amount + 0)
    .meta({ example: 399 }),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be three capital letters, as in USD')
    .meta({ example: 'USD' }),
});
export type Money = z.output<typeof money>;
