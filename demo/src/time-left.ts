const MINUTE_S = 60;
const HOUR_S = 3_600;
/** Longer times are useless for planning, and the rate is a new guess each second. */
const LONGEST_S = 100 * HOUR_S;
/** Above ten seconds in steps of five, because a number that jumps each second says less. */
const COARSE_FROM_S = 10;
const STEP_S = 5;

/**
 * The remaining time of long work, in words: `5s left`, `3m 05s left`, `2h 10m left`. `eta` is in seconds, from cli-progress,
 * or a text if it is unknown (before the first step, or after a while without any).
 */
export function timeLeft(eta: unknown): string {
  if (typeof eta !== 'number' || !Number.isFinite(eta) || eta < 0) return 'time left not known yet';
  if (eta > LONGEST_S) return 'more than 100h left';
  const seconds = eta > COARSE_FROM_S ? STEP_S * Math.round(eta / STEP_S) : Math.ceil(eta);
  if (seconds < MINUTE_S) return `${seconds}s left`;
  const minutes = Math.floor(seconds / MINUTE_S);
  if (seconds < HOUR_S) return `${minutes}m ${two(seconds % MINUTE_S)}s left`;
  return `${Math.floor(seconds / HOUR_S)}h ${two(minutes % MINUTE_S)}m left`;
}

const two = (value: number): string => String(value).padStart(2, '0');
