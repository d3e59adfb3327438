/**
 * Time is counted in buckets: minutes, hours and days of UTC, each known by its start in milliseconds since 1970.
 * Minutes are kept for two days, hours and days for ever.
 */

export type Step = 'minute' | 'hour' | 'day';

export const STEP_MS: { readonly [S in Step]: number } = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

export const MINUTES_KEPT_MS = 2 * STEP_MS.day;

const COARSE_TO_FINE: readonly Step[] = ['day', 'hour', 'minute'];

export const bucketOf = (timeMs: number, step: Step): number => timeMs - mod(timeMs, STEP_MS[step]);

/** The start of the oldest minute that is kept: the first one of an hour, so that older hours are whole. */
export const oldestMinute = (nowMs: number): number => bucketOf(nowMs - MINUTES_KEPT_MS, 'hour');

/** A time rounded down to the finest bucket that is still kept there. */
export const roundToKept = (timeMs: number, nowMs: number): number =>
  bucketOf(timeMs, timeMs >= oldestMinute(nowMs) ? 'minute' : 'hour');

/** The buckets of one step from `from` up to, not including, `to`. */
export type Run = { readonly step: Step; readonly from: number; readonly to: number };

/**
 * Covers the time from `from` to `to` by the fewest buckets: days inside, hours and minutes at the ends. Both must
 * have been rounded by roundToKept.
 */
export function cover(from: number, to: number, steps: readonly Step[] = COARSE_TO_FINE): Run[] {
  const [step, ...finer] = steps;
  if (!step || from >= to) return [];
  const first = bucketOf(from + STEP_MS[step] - 1, step);
  const end = bucketOf(to, step);
  if (first >= end) return cover(from, to, finer);
  return [...cover(from, first, finer), { step, from: first, to: end }, ...cover(end, to, finer)];
}

const mod = (n: number, by: number): number => ((n % by) + by) % by;
