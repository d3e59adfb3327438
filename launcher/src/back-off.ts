const FIRST_MS = 100;
const LAST_MS = 10_000;
/** A process that cannot start ends sooner than this; a later end has another cause. */
const STEADY_MS = 2_000;

/**
 * The pause before a process that ended by itself is restarted: a tenth of a second, doubling up to ten seconds, and from the
 * beginning if it had run for two. `previousMs` is the pause before its last start, 0 if there was none.
 */
export function backOffMs(previousMs: number, upMs: number): number {
  if (previousMs === 0 || upMs >= STEADY_MS) return FIRST_MS;
  return Math.min(previousMs * 2, LAST_MS);
}
