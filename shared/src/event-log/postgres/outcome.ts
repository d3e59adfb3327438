import { setTimeout as delay } from 'node:timers/promises';
import { isAway } from '../../postgres/failure.ts';
import type { Pool } from '../../postgres/pool.ts';

const TRIES = 20;
const PAUSE_MS = 250;

/** `heads`: each partition's head before the write, as the write itself would have answered. */
export type CommitOutcome =
  | { readonly committed: false }
  | { readonly committed: true; readonly heads: ReadonlyMap<number, number> };

/**
 * Establishes whether a write took effect whose connection died before it was told. It does not just look for the
 * write's mark: it tries to set it. Where the old transaction is still alive, the insert waits for its end; where it
 * succeeds, the old transaction can never commit any more, since the mark is taken. So the answer is final.
 *
 * Throws the database's error when it stays away for about five seconds.
 */
export async function establishOutcome(pool: Pool, commit: string): Promise<CommitOutcome> {
  for (let tried = 1; ; tried += 1) {
    try {
      const { rowCount } = await pool.query(
        'INSERT INTO event_log_commits (id) VALUES ($1) ON CONFLICT (id) DO NOTHING',
        [commit],
      );
      if (rowCount === 1) return { committed: false };
      const { rows } = await pool.query<{ partition: number; before: number }>(
        'SELECT * FROM event_log_commits, unnest(partitions, heads) AS h (partition, before) WHERE id = $1',
        [commit],
      );
      return { committed: true, heads: new Map(rows.map(({ partition, before }) => [partition, before])) };
    } catch (error) {
      if (!isAway(error) || tried === TRIES) throw error;
      await delay(PAUSE_MS);
    }
  }
}
