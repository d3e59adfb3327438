/** The shoppers' pseudonyms, by which events name them. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { problem } from '@micromart/http/problem';
import { violatedConstraint } from '@micromart/postgres/failure';
import type { Pool } from '@micromart/postgres/pool';

const MAX_ATTEMPTS = 10;
const MAX_PAUSE_MS = 100;
const KNOWN_SHOPPER = 'carts_open_for_known_shopper';

/** Whether an error says that the shopper of an open cart is unknown. */
export const lacksShopper = (error: unknown): boolean => violatedConstraint(error) === KNOWN_SHOPPER;

/** A shopper counts as leaving for a minute; the process that forgets them renews it. */
const IS_LEAVING = `coalesce(leaving_since > now() - interval '1 minute', false) AS "isLeaving"`;

type Row = { readonly key: string; readonly isLeaving: boolean };

/** The shopper's pseudonym, which is made with the first cart; undefined while the shopper is being forgotten. */
async function shopperKey(pool: Pool, subject: string): Promise<string | undefined> {
  const known = await pool.query<Row>({
    name: 'shopper_key',
    text: `SELECT key, ${IS_LEAVING} FROM shoppers WHERE subject = $1`,
    values: [subject],
  });
  const row = known.rows[0] ?? (await addShopper(pool, subject));
  return row.isLeaving ? undefined : row.key;
}

async function addShopper(pool: Pool, subject: string): Promise<Row> {
  const { rows } = await pool.query<Row>(
    `INSERT INTO shoppers (subject, key) VALUES ($1, $2)
     ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject RETURNING key, ${IS_LEAVING}`,
    [subject, randomUUID()],
  );
  return rows[0]!;
}

/**
 * Runs `work`, which opens a cart, with the shopper's pseudonym. Waits a moment while the shopper is being forgotten,
 * and tries again when the pseudonym is deleted before the cart is stored. Throws a conflict problem after ten
 * attempts.
 */
export async function withShopper<T>(
  pool: Pool,
  subject: string,
  work: (key: string) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const key = await shopperKey(pool, subject);
    try {
      if (key !== undefined) return await work(key);
    } catch (error) {
      if (!lacksShopper(error)) throw error;
    }
    await delay(Math.random() * MAX_PAUSE_MS);
  }
  throw problem('conflict', 'This shopper is being forgotten; try again in a moment.', { retryAfterS: 1 });
}
