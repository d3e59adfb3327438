/** Windows of time: how they are rounded, and which buckets are read for them. */
import { cover, type Kept, oldestAnsweredMinute, type Run, roundDown, STEP_MS } from './buckets.ts';

/**
 * In milliseconds. Without `from` it begins with the first event that was counted, without `to` it ends with the last
 * one. Bounds were rounded by roundDown; `minutesFrom` is the oldest minute that is answered.
 */
export type Window = {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly minutesFrom: number;
};

/** A moment of answering: its clock, the As-Of of its snapshot, and from when on quarter hours are complete in it. */
export type Present = { readonly nowMs: number; readonly asOfMs: number; readonly quartersFrom: number };

export const keptAt = ({ nowMs, quartersFrom }: Present): Kept => ({
  minutesFrom: oldestAnsweredMinute(nowMs),
  quartersFrom,
});

/**
 * The window that is answered for a requested one. Each requested bound is rounded down from the smaller of it and the
 * As-Of, so that an answer never claims what may not be included yet.
 */
export function windowOf(
  { from, to }: { readonly from?: Date | undefined; readonly to?: Date | undefined },
  present: Present,
): Window {
  const kept = keptAt(present);
  const rounded = (bound: Date | undefined) =>
    bound && roundDown(Math.min(bound.getTime(), present.asOfMs), kept);
  return { from: rounded(from), to: rounded(to), minutesFrom: kept.minutesFrom };
}

/** The first and the last bucket in which anything was counted, by their starts. */
export type Span = {
  readonly firstDay: number;
  readonly lastDay: number;
  readonly lastHour: number;
  readonly lastMinute: number | undefined;
};

/** What a window counted: the sum of the runs, and the total besides where `fromTotal` is set. */
export type Coverage = {
  readonly fromTotal: boolean;
  readonly runs: readonly Run[];
  readonly buckets: number;
};

const NOTHING: Coverage = { fromTotal: false, runs: [], buckets: 0 };

/**
 * Covers a window by few buckets: by those of the window, or by the total less those before and after it. Neither reads
 * where nothing was counted, so no question reads more than half of the days on which anything was.
 */
export function coverWindow(window: Window, span: Span | undefined): Coverage {
  if (!span) return NOTHING;
  const ends = endsOf(span, window.minutesFrom);
  const last = Math.min(...ends);
  const from = Math.max(window.from ?? span.firstDay, span.firstDay);
  const to = window.to === undefined || window.to >= last ? undefined : window.to;
  if (from >= (to ?? last)) return NOTHING;
  const inside = fewest((to === undefined ? ends : [to]).map((end) => cover(from, end)));
  const after = to === undefined ? [] : fewest(ends.map((end) => cover(to, end)));
  const outside = [...cover(span.firstDay, from), ...after];
  return bucketsIn(outside) <= bucketsIn(inside)
    ? { fromTotal: true, runs: outside.map(negated), buckets: bucketsIn(outside) }
    : { fromTotal: false, runs: inside, buckets: bucketsIn(inside) };
}

/**
 * The ends of what was counted, on the grid of each step. The last hour's minutes are complete while they are answered.
 */
function endsOf({ lastDay, lastHour, lastMinute }: Span, minutesFrom: number): number[] {
  const ends = [lastDay + STEP_MS.day, lastHour + STEP_MS.hour];
  const isWhole = lastMinute !== undefined && lastMinute >= minutesFrom && lastMinute >= lastHour;
  return isWhole ? [...ends, lastMinute + STEP_MS.minute] : ends;
}

const bucketsIn = (runs: readonly Run[]): number =>
  runs.reduce((sum, { step, from, to }) => sum + (to - from) / STEP_MS[step], 0);

const fewest = (covers: readonly Run[][]): Run[] =>
  covers.reduce((best, one) => (bucketsIn(one) < bucketsIn(best) ? one : best));

const negated = (run: Run): Run => ({ ...run, sign: run.sign === 1 ? -1 : 1 });
