/** Windows to compare another with. */
import { EARLIEST_MS, type Kept, roundDown, STEP_MS } from './buckets.ts';
import { bucketStarts, shiftDays, type Zone } from './zone.ts';

export const COMPARISONS = ['previous', 'previous-week'] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** In milliseconds. */
export type Bounds = { readonly from: number; readonly to: number };

const WEEK_DAYS = 7;

/**
 * The window that ends where this one begins: as many days before where both ends are midnights of the zone, else as much
 * time. Or with `previous-week` the same times of the clock on the same weekdays before, as many weeks as keep the two
 * apart. Its ends are rounded down to what is kept, and lie in the year 1 or later.
 */
export function comparedBounds(bounds: Bounds, comparison: Comparison, zone: Zone, kept: Kept): Bounds {
  const { from, to } = shifted(bounds, comparison, zone);
  const rounded = (timeMs: number): number => roundDown(Math.max(timeMs, EARLIEST_MS), kept);
  return { from: rounded(from), to: rounded(to) };
}

function shifted({ from, to }: Bounds, comparison: Comparison, zone: Zone): Bounds {
  if (comparison === 'previous-week') {
    let days = Math.max(1, Math.floor((to - from) / (WEEK_DAYS * STEP_MS.day))) * WEEK_DAYS;
    while (daysBefore(to, days, zone) > from) days += WEEK_DAYS;
    return { from: daysBefore(from, days, zone), to: daysBefore(to, days, zone) };
  }
  const days = Math.round((to - from) / STEP_MS.day);
  if (days > 0 && dayOf(from, zone) === from && dayOf(to, zone) === to) {
    return { from: daysBefore(from, days, zone), to: from };
  }
  return { from: from - (to - from), to: from };
}

/** A day that begins at one o'clock, since its midnight is left out, is moved to where the other day begins. */
function daysBefore(timeMs: number, days: number, zone: Zone): number {
  const before = shiftDays(timeMs, -days, zone);
  return dayOf(timeMs, zone) === timeMs ? dayOf(before, zone) : before;
}

/** Where the day begins in which a moment lies. */
const dayOf = (timeMs: number, zone: Zone): number =>
  bucketStarts({ zone, step: 'day', from: timeMs, to: timeMs + 1 })[0]!;
