import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createPostgresChangeStore } from '@micromart/shared/event-log/postgres/changes';
import { eventLogMigrations, openPostgresLog } from '@micromart/shared/event-log/postgres/log';
import { startSweep } from '@micromart/shared/event-log/postgres/sweep';
import { WRITER_SETTINGS } from '@micromart/shared/event-log/postgres/write';
import { problem } from '@micromart/shared/http/problem';
import { relayMigrations } from '@micromart/shared/kafka/migrations';
import { violatedConstraint } from '@micromart/shared/postgres/failure';
import { migrate } from '@micromart/shared/postgres/migrate';
import { type Client, checkAnswers, openPool } from '@micromart/shared/postgres/pool';
import { type Cart, openCart, shopperForgotten } from '../cart.ts';
import type { CartStore } from './store.ts';

const MAX_CONNECTIONS = 10;
const MAX_RACES = 5;
/** For what is in hand, which nobody waits for any more: the requests have been answered, or cut off. */
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
  const sweep = startSweep(pool, onError);

  async function shopperKey(subject: string): Promise<string> {
    const known = await pool.query<{ key: string }>({
      name: 'shopper_key',
      text: 'SELECT key FROM shoppers WHERE subject = $1',
      values: [subject],
    });
    if (known.rows[0]) return known.rows[0].key;
    const { rows } = await pool.query<{ key: string }>(
      `INSERT INTO shoppers (subject, key) VALUES ($1, $2)
       ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject RETURNING key`,
      [subject, randomUUID()],
    );
    return rows[0]!.key;
  }

  return {
    pool,
    log,
    carts,

    open: (cartId, subject, answer, options) =>
      againWhenRaced(async () => {
        const cart = openCart(subject, await shopperKey(subject));
        return carts.change(
          cartId,
          (_, version) => ({ answer: answer(cart, version), change: { state: cart, events: [] } }),
          options,
        );
      }),

    forget: (subject, { now, ...options }) => {
      const unlink = async (client: Client) => {
        const { rows } = await client.query<{ key: string }>('SELECT key FROM shoppers WHERE subject = $1', [
          subject,
        ]);
        const key = rows[0]?.key;
        if (!key) throw unknownShopper();
        await client.query('SELECT 1 FROM carts WHERE shopper = $1 ORDER BY id FOR UPDATE', [key]);
        await client.query('DELETE FROM carts WHERE open_for = $1', [key]);
        await client.query(
          `UPDATE carts SET state = jsonb_set(state::jsonb, '{owner}', 'null') WHERE shopper = $1`,
          [key],
        );
        await client.query('DELETE FROM idempotency_keys WHERE scope = $1', [subject]);
        const { rowCount } = await client.query('DELETE FROM shoppers WHERE subject = $1', [subject]);
        // Somebody else has just forgotten the same shopper.
        if (rowCount === 0) throw unknownShopper();
        return { events: [shopperForgotten(key, now)], answer: null };
      };
      return againWhenRaced(() => carts.transact(unlink, options));
    },

    check: () => checkAnswers(pool),
    checkWrites: () => carts.check(),

    async close() {
      sweep.close();
      carts.stop();
      // A statement that the server does not end keeps its connection; nobody waits for it any more.
      await Promise.race([
        carts.idle().then(() => pool.end()),
        delay(CLOSE_LIMIT_MS, undefined, { ref: false }),
      ]);
    },
  };
}

const unknownShopper = () => problem('not-found', 'Nothing is known of this shopper.');

/**
 * Opening a cart and forgetting its shopper exclude each other by a foreign key: whichever comes second fails on it, and
 * finds a new state of affairs when it tries again.
 */
async function againWhenRaced<T>(work: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await work();
    } catch (error) {
      if (violatedConstraint(error) !== 'carts_open_for_known_shopper' || tried === MAX_RACES) throw error;
    }
  }
}
