const FIRST_MS = 100;
const LAST_MS = 10_000;
/** What ends in its start-up has ended by then; what came so far was ended by something else. */
const STEADY_MS = 2_000;

/**
 * How long to wait before something that ended by itself is started again: a tenth of a second, doubling up to ten
 * seconds, and from the beginning when it had been up for two. `previousMs` is the wait before this start, 0 if none.
 */
export function backOffMs(previousMs: number, upMs: number): number {
  if (previousMs === 0 || upMs >= STEADY_MS) return FIRST_MS;
  return Math.min(previousMs * 2, LAST_MS);
}
