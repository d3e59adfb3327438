import { setTimeout as delay } from 'node:timers/promises';
import { createPostgresChangeStore } from '@micromart/event-log-postgres/changes';
import { eventLogMigrations, openPostgresLog } from '@micromart/event-log-postgres/log';
import { startSweep } from '@micromart/event-log-postgres/sweep';
import { WRITER_SETTINGS } from '@micromart/event-log-postgres/writer-settings';
import { relayMigrations } from '@micromart/kafka/migrations';
import { migrate } from '@micromart/postgres/migrate';
import { checkAnswers, openPool } from '@micromart/postgres/pool';
import { type Cart, openCart } from '../cart.ts';
import { forget } from './forget.ts';
import { withShopper } from './shoppers.ts';
import type { CartStore } from './store.ts';

const MAX_CONNECTIONS = 10;
/** For statements in flight. No request waits for them any more: each was answered or cut off. */
const CLOSE_LIMIT_MS = 500;

const migrations = [
  eventLogMigrations,
  relayMigrations,
  { name: 'carts', folder: new URL('./migrations/', import.meta.url) },
];

export async function openPostgresStore(url: string, onError: (error: unknown) => void): Promise<CartStore> {
  await migrate(url, migrations);
  const pool = openPool(url, {
    max: MAX_CONNECTIONS,
    name: 'cart-service',
    settings: WRITER_SETTINGS,
    onIdleError: onError,
  });
  const log = await openPostgresLog(pool, { family: 'cart', source: '/cart' });
  const carts = createPostgresChangeStore<Cart>(pool, {
    table: 'carts',
    log,
    columns: {
      shopper: (cart) => cart.shopper,
      open_for: (cart) => (cart.state === 'open' ? cart.shopper : undefined),
    },
  });
  const sweeping = startSweep(pool, onError);

  return {
    pool,
    log,
    carts,
    sweeps: sweeping.sweeps,

    open: (cartId, subject, answer, options) =>
      withShopper(pool, subject, (key) => {
        const cart = openCart(subject, key);
        return carts.change(
          cartId,
          (_, version) => ({ answer: answer(cart, version), change: { state: cart, events: [] } }),
          options,
        );
      }),

    forget: (subject, options) => forget({ pool, carts }, subject, options),

    check: () => checkAnswers(pool),
    checkWrites: () => carts.check(),

    async close() {
      carts.stop();
      // A statement that the server does not end keeps its connection; do not wait for it.
      await Promise.race([
        Promise.all([carts.idle(), sweeping.close()]).then(() => pool.end()),
        delay(CLOSE_LIMIT_MS, undefined, { ref: false }),
      ]);
    },
  };
}
