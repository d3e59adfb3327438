/** How a follower leaves time to others: to the database, and to what else this process does. */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

export type Pace = {
  /** How many events a batch may have now, of at most `limit`. */
  batch(limit: number): number;
  /** Maps in portions, and lets whatever waits in this process have its turn between two of them. */
  map<A, B>(all: readonly A[], each: (one: A) => B): Promise<B[]>;
  /** Rests after so many milliseconds of work. Comes back at once when the signal is aborted. */
  rest(workedMs: number, signal: AbortSignal): Promise<void>;
};

/** Parsing so many events takes about as long as a short answer. */
const PORTION = 50;
/** While it is to leave time to others, a batch takes no longer than a short answer. */
const SHORT_BATCH = 100;
/** Longer rests would only show that the database was away. */
const MAX_REST_MS = 1_000;

/**
 * Works for no more than this share of the time, which is asked for each time: after each batch it rests for as long as the batch leaves over. A busy
 * database makes batches last longer, and so the rests.
 */
export const shareOfTime = (shareNow: () => number): Pace => ({
  batch: (limit) => (shareNow() < 1 ? Math.min(SHORT_BATCH, limit) : limit),
  async map(all, each) {
    const mapped = [];
    for (let from = 0; from < all.length; from += PORTION) {
      mapped.push(...all.slice(from, from + PORTION).map(each));
      await nextTurn();
    }
    return mapped;
  },
  async rest(workedMs, signal) {
    const share = shareNow();
    const restMs = Math.min((workedMs * (1 - share)) / share, MAX_REST_MS);
    if (restMs > 0) await sleep(restMs, undefined, { signal }).catch(() => {});
  },
});
