/** The shapes of the cart service's requests and answers, as OpenAPI publishes them. */
import { money } from '@micromart/contracts/money';
import { productId } from '@micromart/contracts/product-id';
import { writtenHeaders } from '@micromart/event-log/idempotency';
import { uuid } from '@micromart/http/parameters';
import { z } from 'zod';
import { MAX_LINES, MAX_QUANTITY } from '../cart.ts';

const MAX_ITEMS = 100;

export const cartId = uuid().meta({ description: 'The id in the `Location` of the opened cart' });
const quantity = z.int().min(1).max(MAX_QUANTITY);

export const newItems = z.strictObject({
  items: z
    .array(z.strictObject({ productId, quantity }))
    .min(1)
    .max(MAX_ITEMS)
    .refine((items) => new Set(items.map((item) => item.productId)).size === items.length, {
      error: 'must name each product once',
    }),
});

const line = z.object({
  productId: z.string(),
  quantity: z.int(),
  name: z.string().nullable(),
  unitPrice: money.nullable().meta({ description: 'When the product was first added' }),
  currentPrice: money
    .nullable()
    .meta({ description: "Today's price; null when it is not on sale, or unknown" }),
  available: z.boolean().nullable().meta({ description: 'Whether it is on sale; null when unknown' }),
  addedAt: z.iso.datetime(),
});

export const cart = z
  .object({
    id: z.uuid(),
    version: z.int(),
    state: z.enum(['open', 'closed']),
    items: z.array(line).max(MAX_LINES),
    total: money.nullable().meta({
      description:
        'The total to pay today for what is on sale; null when nothing is on sale, a price is unknown, or prices are in several currencies',
    }),
    catalog: z.enum(['fresh', 'stale', 'unavailable']).meta({
      description: 'Whether all prices are fresh, some are stale, or some are unknown',
    }),
  })
  .meta({ id: 'Cart' });

export const cartHeaders = z.object({
  ETag: z
    .string()
    .meta({ description: "The cart's version, and a digest of what the answer shows from the catalog" }),
  'Cache-Control': z.string(),
});
export const changedHeaders = cartHeaders.extend(writtenHeaders.shape);
