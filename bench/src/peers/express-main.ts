/**
 * A plain express application with the cart's validation of `POST /carts/{cartId}/items`, which does nothing: it knows no
 * caller, stores nothing, and answers a cart of the same size every time.
 */
import { productId } from '@micromart/contracts/product-id';
import express from 'express';
import { z } from 'zod';

const MAX_ITEMS = 100;
const MAX_QUANTITY = 999;

const params = z.object({ cartId: z.uuid() });
const headers = z.object({
  'idempotency-key': z.string().min(1).max(255).optional(),
  'if-match': z.string().max(1_000).optional(),
});
const body = z.strictObject({
  items: z
    .array(z.strictObject({ productId, quantity: z.int().min(1).max(MAX_QUANTITY) }))
    .min(1)
    .max(MAX_ITEMS)
    .refine((items) => new Set(items.map((item) => item.productId)).size === items.length),
});
const price = { amount: 399, currency: 'USD' };
const items = [
  {
    productId: 'product-0',
    quantity: 1,
    name: 'Product product-0',
    unitPrice: price,
    currentPrice: price,
    available: true,
    addedAt: '2026-11-01T09:30:00.000Z',
  },
];

const app = express();
app.use(express.json());
app.get('/health/ready', (_, response) => void response.sendStatus(200));
app.post('/carts/:cartId/items', (request, response) => {
  const cart = params.safeParse(request.params);
  const valid =
    cart.success && headers.safeParse(request.headers).success && body.safeParse(request.body).success;
  if (!valid) return void response.sendStatus(400);
  response.json({ id: cart.data.cartId, version: 9, state: 'open', items, total: price, catalog: 'fresh' });
});
app.listen(Number(process.env.PORT), process.env.HOST!);
process.on('SIGTERM', () => process.exit(0));
