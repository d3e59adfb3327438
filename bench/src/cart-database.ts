/** What the writers of P3 change: carts of five lines each, in the product's own tables. */
import { createHash } from 'node:crypto';
import type { Cart } from '@micromart/cart-service/cart';
import { openStore } from '@micromart/cart-service/open-store';
import type { CartStore } from '@micromart/cart-service/store';
import type { Pool } from '@micromart/postgres/pool';
import { requireSame } from './protocol.ts';

export const CARTS = 2_000;
export const LINES = 5;
export const PRODUCT_IDS = Array.from({ length: LINES }, (_, n) => `product-${n}`);
export const PRICE = { amount: 399, currency: 'USD' };
const SUBJECT = 'shopper';
const SHOPPER = '0b8c1c5e-6d0e-4d5b-9b86-6a4f5a1b2c3d';

/** Opens the cart service's store in an empty database. */
export const openCartStore = (url: string): Promise<CartStore> => openStore(url, () => {});

/** The n-th cart's id, a UUID in form; of 64 writers, writer n has the carts n, n + 64, and so on for itself. */
export function cartIdOf(n: number): string {
  const hex = createHash('md5').update(String(n)).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Makes the carts, each line with one unit; their ids by number in `cart_ids`, for the peers. */
export async function fillCarts(pool: Pool): Promise<void> {
  const cart: Cart = {
    owner: SUBJECT,
    shopper: SHOPPER,
    state: 'open',
    items: PRODUCT_IDS.map((productId) => ({
      productId,
      quantity: 1,
      addedAt: '2026-11-01T09:30:00.000Z',
      name: `Product ${productId}`,
      unitPrice: PRICE,
    })),
  };
  const ids = Array.from({ length: CARTS }, (_, n) => cartIdOf(n));
  await pool.query('INSERT INTO shoppers (subject, key) VALUES ($1, $2)', [SUBJECT, SHOPPER]);
  await pool.query(
    `INSERT INTO carts (id, version, sequence, state, shopper, open_for)
     SELECT id, 1, 0, $2::json, $3, $3 FROM unnest($1::text[]) id`,
    [ids, JSON.stringify(cart), SHOPPER],
  );
  await pool.query('CREATE TABLE cart_ids (n int PRIMARY KEY, id text COLLATE "C")');
  await pool.query(
    'INSERT INTO cart_ids SELECT n - 1, id FROM unnest($1::text[]) WITH ORDINALITY AS ids (id, n)',
    [ids],
  );
  await pool.query('VACUUM (ANALYZE) carts, cart_ids');
}

/** Throws WrongAnswer unless every change left its version, its event in a dense sequence, and its key's record. */
export async function requireChanged(pool: Pool, changes: number): Promise<void> {
  const { rows } = await pool.query(
    `SELECT (SELECT sum(version) - count(*) FROM carts)::int AS versions,
            (SELECT sum(last) FROM event_log_heads)::int AS heads,
            (SELECT count(*) FROM event_log_events)::int AS events,
            (SELECT count(*) FROM (SELECT FROM event_log_events GROUP BY partition HAVING max(sequence) <> count(*)) p)::int AS holes,
            (SELECT count(*) FROM idempotency_keys)::int AS keys`,
  );
  requireSame('changes', rows[0], {
    versions: changes,
    heads: changes,
    events: changes,
    holes: 0,
    keys: changes,
  });
}
