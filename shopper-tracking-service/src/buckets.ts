/**
 * Events are counted in buckets of time: minutes, quarter hours, hours and days of UTC, each identified by its start in
 * milliseconds since 1970. Minutes are answered for two days and kept a little longer, the others for ever. Quarter hours
 * are there for the hours and days of other time zones.
 */

export type Step = 'minute' | 'quarter' | 'hour' | 'day';

export const STEP_MS: { readonly [S in Step]: number } = {
  minute: 60_000,
  quarter: 900_000,
  hour: 3_600_000,
  day: 86_400_000,
};

/** Where time begins, a midnight in 0001: no event is older, and PostgreSQL has no year 0. */
export const EARLIEST_MS = Date.parse('0001-01-01T00:00:00Z');

/** How far back answers are to the minute. */
const MINUTES_ANSWERED_MS = 2 * STEP_MS.day;
/**
 * How much longer minutes are kept than answers need them. The processes that count, sweep and answer have clocks of
 * their own; answers are exact as long as no two of these clocks differ by more.
 */
export const CLOCK_MARGIN_MS = 6 * STEP_MS.hour;

const COARSE_TO_FINE: readonly Step[] = ['day', 'hour', 'quarter', 'minute'];

export const bucketOf = (timeMs: number, step: Step): number => timeMs - mod(timeMs, STEP_MS[step]);

/** The start of the oldest minute that is answered: the first one of an hour, so that older hours are whole. */
export const oldestAnsweredMinute = (nowMs: number): number => bucketOf(nowMs - MINUTES_ANSWERED_MS, 'hour');

/** The start of the oldest minute that is counted, and not swept. */
export const oldestKeptMinute = (nowMs: number): number => oldestAnsweredMinute(nowMs - CLOCK_MARGIN_MS);

/** From when on finer buckets than hours are answered, in milliseconds: each the start of an hour. */
export type Kept = { readonly minutesFrom: number; readonly quartersFrom: number };

/** A time rounded down to the finest bucket that is answered there. */
export const roundDown = (timeMs: number, { minutesFrom, quartersFrom }: Kept): number =>
  bucketOf(timeMs, timeMs >= minutesFrom ? 'minute' : timeMs >= quartersFrom ? 'quarter' : 'hour');

/** The buckets of one step from `from` up to, not including, `to`: to be added (`sign` 1) or subtracted (-1). */
export type Run = { readonly step: Step; readonly from: number; readonly to: number; readonly sign: 1 | -1 };

/**
 * Covers the time from `from` to `to` by few buckets: days from the midnight nearest to one end to that nearest to the
 * other; at the ends hours, quarters and minutes, added, or subtracted where a day reaches too far. An end is never more
 * than half a day from a midnight, so this reads fewer buckets than covering the window from inside would. Both ends must
 * have been rounded by roundDown: then no minute or quarter is read that is not kept.
 */
export function cover(from: number, to: number, steps: readonly Step[] = COARSE_TO_FINE): Run[] {
  if (from > to) return cover(to, from, steps).map((run) => ({ ...run, sign: run.sign === 1 ? -1 : 1 }));
  const [step, ...finer] = steps;
  if (!step || from === to) return [];
  const [first, end] = [nearest(from, step), nearest(to, step)];
  if (first === end) return cover(from, to, finer);
  return [...cover(from, first, finer), { step, from: first, to: end, sign: 1 }, ...cover(end, to, finer)];
}

const nearest = (timeMs: number, step: Step): number => bucketOf(timeMs + STEP_MS[step] / 2, step);

const mod = (n: number, by: number): number => ((n % by) + by) % by;
