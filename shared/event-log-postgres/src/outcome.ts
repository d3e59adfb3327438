import { setTimeout as delay } from 'node:timers/promises';
import { isUnavailable } from '@micromart/postgres/failure';
import type { Pool } from '@micromart/postgres/pool';

const TRIES = 20;
const PAUSE_MS = 250;

/** `heads`: each partition's head before the write, as the write itself would have returned. */
export type CommitOutcome =
  | { readonly committed: false }
  | { readonly committed: true; readonly heads: ReadonlyMap<number, number> };

type Mark = { written: boolean; partitions: number[] | null; heads: string[] | null };

/**
 * Establishes whether a write whose connection died during the commit took effect. It does not only read the write's commit
 * mark: it tries to insert a mark with the same id that says "not written". If the old transaction is still alive, the insert
 * waits for its end. If the insert succeeds, the old transaction can no longer commit, because the id is taken. So the stored
 * mark is final, and asking again gives the same answer, also when the reply to this query is lost.
 *
 * Throws the database's error when it stays unavailable for `TRIES` attempts, or when the signal is aborted.
 */
export async function establishOutcome(
  pool: Pool,
  commit: string,
  signal: AbortSignal,
): Promise<CommitOutcome> {
  for (let tried = 1; ; tried += 1) {
    try {
      await pool.query(
        'INSERT INTO event_log_commits (id, written) VALUES ($1, false) ON CONFLICT (id) DO NOTHING',
        [commit],
      );
      const { rows } = await pool.query<Mark>(
        'SELECT written, partitions, heads FROM event_log_commits WHERE id = $1',
        [commit],
      );
      const { written, partitions, heads } = rows[0]!;
      if (!written) return { committed: false };
      return {
        committed: true,
        heads: new Map((partitions ?? []).map((partition, n) => [partition, Number(heads![n])])),
      };
    } catch (error) {
      if (!isUnavailable(error) || tried === TRIES || signal.aborted) throw error;
      await delay(PAUSE_MS);
    }
  }
}
