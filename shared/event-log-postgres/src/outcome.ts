import { isUnavailable } from '@micromart/postgres/failure';
import type { Pool } from '@micromart/postgres/pool';
import { retry } from '@micromart/process/retry';

/** With their pauses about six seconds, unless the caller's signal ends them before. */
const ATTEMPTS = 20;
const LONGEST_PAUSE_MS = 500;

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
 * Throws the database's error when it stays unavailable for `ATTEMPTS` attempts, or when the signal is aborted.
 */
export const establishOutcome = (pool: Pool, commit: string, signal: AbortSignal): Promise<CommitOutcome> =>
  retry(() => readOutcome(pool, commit), {
    attempts: ATTEMPTS,
    longestPauseMs: LONGEST_PAUSE_MS,
    isTransient: isUnavailable,
    signal,
  });

async function readOutcome(pool: Pool, commit: string): Promise<CommitOutcome> {
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
}
