import { z } from 'zod';

/**
 * The largest price, in minor units. A cart has at most 500 lines of 999 units, so no total exceeds what JSON's numbers can
 * hold exactly (RFC 8259, 6: up to 2^53 - 1).
 */
export const MAX_AMOUNT = 10_000_000_000;

/** An amount in minor units (cents), and its currency (ISO 4217). */
export const money = z.object({
  // JSON has -0. It equals 0, but a comparison of states would distinguish them.
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
