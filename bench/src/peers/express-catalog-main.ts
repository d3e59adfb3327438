/**
 * The catalog as a plain express application: the same authentication, validation and store, which is asked by one prepared
 * statement for each request; products answered by `response.json`, which forms an entity tag of the text and compares
 * it with the one that the caller holds.
 */
import type { Product } from '@micromart/catalog-service/product';
import { MAX_PRODUCTS } from '@micromart/contracts/catalog/product';
import { isProductId } from '@micromart/contracts/product-id';
import { createAuthentication } from '@micromart/http/authentication/authentication';
import { openPool } from '@micromart/postgres/pool';
import express from 'express';

/** As many as the catalog's API has. */
const MAX_CONNECTIONS = 8;

const { PORT, HOST, STORE_URL, AUTH_JWKS, AUTH_ISSUER, AUTH_AUDIENCE } = process.env;
const pool = openPool(STORE_URL!, { max: MAX_CONNECTIONS, name: 'express' });
const authenticate = createAuthentication({
  jwks: AUTH_JWKS!,
  issuer: AUTH_ISSUER!,
  audience: AUTH_AUDIENCE!,
});

const app = express();
app.get('/health/ready', (_, response) => void response.sendStatus(200));
app.get('/products', async (request, response) => {
  await authenticate(request.get('authorization'));
  const ids = String(request.query.ids).split(',').sort();
  if (ids.length > MAX_PRODUCTS || !ids.every(isProductId)) return void response.sendStatus(400);
  const { rows } = await pool.query<{ id: string; state: Product }>({
    name: 'products',
    text: 'SELECT id, state FROM products WHERE id = ANY ($1) ORDER BY id',
    values: [ids],
  });
  response.set('Cache-Control', 'private, max-age=3600');
  response.json({
    items: rows.map(({ id, state: { decided: _, ...product } }) => ({ id, ...product })),
    missing: ids.filter((id) => !rows.some((row) => row.id === id)),
  });
});
app.listen(Number(PORT), HOST!);
process.on('SIGTERM', () => process.exit(0));
