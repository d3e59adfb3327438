/** emmett: an event appended to the cart's stream; there is no state and no idempotency record. */
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import { openPool } from '@micromart/postgres/pool';
import { CARTS, cartIdOf } from '../cart-database.ts';
import { onFreshDatabase, type Server } from '../database.ts';
import { keepInFlight } from '../in-flight.ts';
import { requireSame } from '../protocol.ts';

export const appendByEmmett = (server: Server, extent: { width: number; seconds: number }): Promise<number> =>
  onFreshDatabase(server, async (url) => {
    const pool = openPool(url, { max: 1, name: 'bench' });
    const store = getPostgreSQLEventStore(url);
    try {
      await store.schema.migrate();
      const { done, perSecond } = await keepInFlight(extent, (lane, turn) => {
        const cartId = cartIdOf((lane + turn * extent.width) % CARTS);
        const data = {
          cartId,
          shopper: cartId,
          productId: `product-${turn % 5}`,
          quantity: 1,
          cartVersion: turn,
        };
        return store.appendToStream(`cart-${cartId}`, [{ type: 'cart.item-added', data }]);
      });
      const { rows } = await pool.query('SELECT count(*)::int AS messages FROM emt_messages');
      requireSame('messages', rows[0].messages, done);
      return perSecond;
    } finally {
      await store.close();
      await pool.end();
    }
  });
