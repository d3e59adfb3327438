import { createBatcher, type Outcome } from '@micromart/event-log/batcher';
import { type Changed, type IdempotencyKey, keyReused } from '@micromart/event-log/change-store';
import type { BatchPosition } from '@micromart/events/assign-positions';
import { textArray } from '@micromart/postgres/binary-array';
import type { Pool } from '@micromart/postgres/pool';

export const KEYS_CONSTRAINT = 'idempotency_keys_pkey';

const MAX_BATCH = 500;
const MAX_WAITING = 10_000;

export type IdempotencyKeys = { find(key: IdempotencyKey): Promise<Changed<unknown> | undefined> };

type KeyRow = {
  nth: number;
  fingerprint: string;
  answer: unknown;
  partition: number;
  sequence: number | null;
};

/** Finds the answers stored under keys; concurrent look-ups share one query. Rejects with keyReused for another request. */
export function createIdempotencyKeys(pool: Pool, log: string): IdempotencyKeys {
  async function findAll(
    wanted: readonly IdempotencyKey[],
  ): Promise<Outcome<Changed<unknown> | undefined>[]> {
    // Only the database compares the keys: texts that differ here may be equal there.
    const { rows } = await pool.query<KeyRow>({
      name: 'idempotency_keys',
      text: `SELECT w.nth, k.fingerprint, k.answer, k.partition, k.sequence
             FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (scope, key, nth)
             JOIN idempotency_keys k ON k.scope = w.scope AND k.key = w.key`,
      values: [textArray(wanted.map(({ scope }) => scope)), textArray(wanted.map(({ key }) => key))],
    });
    const found = new Map(rows.map((row) => [row.nth, row]));
    return wanted.map(({ fingerprint }, n) => {
      const row = found.get(n + 1);
      if (!row) return { value: undefined };
      if (row.fingerprint !== fingerprint) return { error: keyReused() };
      const { answer, partition, sequence } = row;
      const position = sequence === null ? {} : { position: { log, partition, sequence } };
      return { value: { answer, ...position, replayed: true } };
    });
  }

  const lookups = createBatcher({ run: findAll, maxBatch: MAX_BATCH, maxWaiting: MAX_WAITING, workers: 2 });
  return { find: lookups.submit };
}

/** A change's result, given each partition's head before its batch. */
export function changed<Answer>(
  log: string,
  answer: Answer,
  { partition, offset, sequence: earlier }: BatchPosition,
  heads: ReadonlyMap<number, number>,
): Changed<Answer> {
  const sequence = offset > 0 ? heads.get(partition)! + offset : earlier;
  const position = sequence > 0 ? { position: { log, partition, sequence } } : {};
  return { answer, ...position, replayed: false };
}
