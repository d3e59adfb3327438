/**
 * Forgetting a shopper. Each step is bounded, and committed by itself: after a crash a repeated request continues.
 *
 * 1. The shopper is marked as leaving: no cart is opened for them any more (shoppers.ts).
 * 2. The open carts are closed as abandoned, each with its event.
 * 3. Closed carts lose their owner, and the stored answers are deleted.
 * 4. One transaction appends the event and deletes the mapping. It fails when a cart is still open or owned, because it
 *    was being opened when step 1 ran; then all steps run again.
 *
 * Step 4 locks the log's heads first, and then what writers of carts lock after the heads: the stored answers, and the
 * shopper, to whom an open cart refers. In the other order it would deadlock with a writer.
 */
import type { Changed, ChangeOptions, Decide } from '@micromart/event-log/change-store';
import type { PostgresChangeStore } from '@micromart/event-log-postgres/changes';
import { problem } from '@micromart/http/problem';
import type { Client, Pool } from '@micromart/postgres/pool';
import { type Cart, closeCart, shopperForgotten } from '../cart.ts';
import { lacksShopper } from './shoppers.ts';

const MAX_CLOSED_AT_ONCE = 100;
const MAX_ROWS_AT_ONCE = 500;
/** For all steps together. Completed steps are kept. */
const TIMEOUT_MS = 20_000;

export type Forgetting = ChangeOptions & { readonly now: Date };

/** A cart is still open or owned. */
class NotYet extends Error {}

/** Throws a not-found problem when the shopper is unknown, and an unavailable one when it takes too long. */
export async function forget(
  { pool, carts }: { pool: Pool; carts: PostgresChangeStore<Cart> },
  subject: string,
  { now, ...options }: Forgetting,
): Promise<Changed<null>> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);

  async function leave(): Promise<string> {
    const { rows } = await pool.query<{ key: string }>(
      'UPDATE shoppers SET leaving_since = now() WHERE subject = $1 RETURNING key',
      [subject],
    );
    if (!rows[0]) throw unknownShopper();
    return rows[0].key;
  }

  async function closeOpenCarts(key: string): Promise<void> {
    await untilLess(MAX_CLOSED_AT_ONCE, signal, async () => {
      const { rows } = await pool.query<{ id: string }>(
        'SELECT id FROM carts WHERE open_for = $1 ORDER BY id LIMIT $2',
        [key, MAX_CLOSED_AT_ONCE],
      );
      const { traceparent } = options;
      await Promise.all(rows.map(({ id }) => carts.change(id, abandon(id, now), { traceparent })));
      return rows.length;
    });
  }

  const last = async (client: Client) => {
    const { rows } = await client.query<{ key: string; isOpen: boolean }>(
      'SELECT key, EXISTS (SELECT FROM carts WHERE open_for = key) AS "isOpen" FROM shoppers WHERE subject = $1',
      [subject],
    );
    const [shopper] = rows;
    if (!shopper) throw unknownShopper();
    if (shopper.isOpen) throw new NotYet();
    const behindHeads = async () => {
      await dropAnswers(client, subject);
      const { rowCount } = await client.query('DELETE FROM shoppers WHERE subject = $1', [subject]);
      // Another request has just forgotten the same shopper.
      if (rowCount === 0) throw unknownShopper();
      if (await isOwned(client, shopper.key)) throw new NotYet();
    };
    return { events: [shopperForgotten(shopper.key, now)], answer: null, behindHeads };
  };

  while (!signal.aborted) {
    const key = await leave();
    await closeOpenCarts(key);
    await untilLess(MAX_ROWS_AT_ONCE, signal, () => disown(pool, key));
    await untilLess(MAX_ROWS_AT_ONCE, signal, () => dropAnswers(pool, subject));
    try {
      return await carts.transact(last, options);
    } catch (error) {
      if (!(error instanceof NotYet) && !lacksShopper(error)) throw error;
    }
  }
  throw tooLate();
}

/** Closes a cart and removes its owner. A closed cart is written once more, for the columns beside it. */
const abandon =
  (cartId: string, now: Date): Decide<Cart, null> =>
  (document, version) => {
    if (!document) return { answer: null };
    const { state } = document;
    const { cart, events } =
      state.state === 'open'
        ? closeCart(state, 'abandoned', { cartId, version, now })
        : { cart: state, events: [] };
    return { answer: null, change: { state: { ...cart, owner: null }, events } };
  };

/** Removes the owner of some closed carts; returns their number. */
async function disown(pool: Pool, key: string): Promise<number> {
  const { rowCount } = await pool.query(
    `WITH owned AS MATERIALIZED (
       SELECT id FROM carts WHERE shopper = $1 AND open_for IS NULL AND state ->> 'owner' IS NOT NULL
       ORDER BY id LIMIT $2 FOR UPDATE)
     UPDATE carts c SET state = jsonb_set(c.state::jsonb, '{owner}', 'null') FROM owned WHERE c.id = owned.id`,
    [key, MAX_ROWS_AT_ONCE],
  );
  return rowCount ?? 0;
}

/** Deletes some of the shopper's stored answers; returns their number. */
async function dropAnswers(client: Client | Pool, subject: string): Promise<number> {
  const { rowCount } = await client.query(
    `DELETE FROM idempotency_keys WHERE scope = $1 AND key IN (
       SELECT key FROM idempotency_keys WHERE scope = $1 ORDER BY key LIMIT $2)`,
    [subject, MAX_ROWS_AT_ONCE],
  );
  return rowCount ?? 0;
}

async function isOwned(client: Client, key: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM carts WHERE shopper = $1 AND state ->> 'owner' IS NOT NULL LIMIT 1`,
    [key],
  );
  return rowCount === 1;
}

/** Repeats a step until it did less than `all`. Throws when `signal` aborts first. */
async function untilLess(all: number, signal: AbortSignal, step: () => Promise<number>): Promise<void> {
  while ((await step()) >= all) if (signal.aborted) throw tooLate();
}

const unknownShopper = () => problem('not-found', 'Nothing is known of this shopper.');
const tooLate = () =>
  problem(
    'unavailable',
    'The shopper could not be forgotten in time; repeat the request, and it continues where it stopped.',
  );
