/** Who is who: each shopper's pseudonym, by which events know them. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { problem } from '@micromart/http/problem';
import { violatedConstraint } from '@micromart/postgres/failure';
import type { Pool } from '@micromart/postgres/pool';

const MAX_TRIES = 10;
const MAX_PAUSE_MS = 100;
const KNOWN_SHOPPER = 'carts_open_for_known_shopper';

/** Whether it failed because an open cart must have a shopper who is known. */
export const lacksShopper = (error: unknown): boolean => violatedConstraint(error) === KNOWN_SHOPPER;

/** Since when a shopper is leaving counts for so long; a process that forgets them renews it. */
const IS_LEAVING = `coalesce(leaving_since > now() - interval '1 minute', false) AS "isLeaving"`;

type Row = { readonly key: string; readonly isLeaving: boolean };

/** The shopper's pseudonym, with the first cart a new one; undefined while they are being forgotten. */
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
 * Does `work`, which opens a cart, with the shopper's pseudonym. It waits a moment for one who is being forgotten, and tries
 * again where the pseudonym is forgotten before the cart is there. Throws a conflict problem where that does not end.
 */
export async function withShopper<T>(
  pool: Pool,
  subject: string,
  work: (key: string) => Promise<T>,
): Promise<T> {
  for (let tried = 1; tried <= MAX_TRIES; tried += 1) {
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
