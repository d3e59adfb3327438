/** How a follower leaves time to others. */
import { setTimeout as sleep } from 'node:timers/promises';

export type Pace = {
  /** Rests after so many milliseconds of work. Comes back at once when the signal is aborted. */
  rest(workedMs: number, signal: AbortSignal): Promise<void>;
};

/** Longer rests would only show that the database was away. */
const MAX_REST_MS = 1_000;

/**
 * Works for no more than this share of the time: after each batch it rests for as long as the batch leaves over. A busy
 * database makes batches last longer, and so the rests.
 */
export const shareOfTime = (share: number): Pace => ({
  async rest(workedMs, signal) {
    const restMs = Math.min((workedMs * (1 - share)) / share, MAX_REST_MS);
    await sleep(restMs, undefined, { signal }).catch(() => {});
  },
});
