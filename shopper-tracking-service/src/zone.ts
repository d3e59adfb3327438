/**
 * Time zones: where the days and hours of one begin. Counts are kept by quarter hour of UTC, and since 1972 every zone has
 * been a whole number of quarter hours away from UTC. Before that, and where a clock was put back or forward between two
 * quarters, a day or hour begins at the quarter before. So each moment lies in exactly one of them.
 */
import { Temporal } from 'temporal-polyfill';
import { bucketOf, STEP_MS } from './buckets.ts';

/** The IANA name of a zone, in its usual spelling: `Europe/Berlin`. */
export type Zone = string & { readonly zone: unique symbol };

/** What people call a day or an hour. Minutes are the same in all zones. */
export type ClockStep = 'day' | 'hour';

/** In characters. */
export const MAX_NAME_LENGTH = 64;
/** What such names look like. */
export const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+/-]+$/;
/** Further than a clock is ever put back; a day before, too, a zone may have had another date. */
const LOOK_BACK_MS = 2 * STEP_MS.day;

/** The zone of a name or an alias, in capitals or small letters; undefined where there is none. Offsets are no names. */
export function readZone(name: string): Zone | undefined {
  if (name.length > MAX_NAME_LENGTH || !ZONE_NAME.test(name)) return undefined;
  try {
    return zoned(0, name as Zone).timeZoneId as Zone;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

export const UTC = 'UTC' as Zone;

/**
 * Where the zone's days or hours begin of which a part lies between `from` and `to` (excluded), in milliseconds. A day
 * begins when its date is first shown, so one on which the clock is put back has more hours, and one that is left out does
 * not begin. An hour begins when the clock shows a full one, or jumps.
 */
export function bucketStarts({
  zone,
  step,
  from,
  to,
}: {
  readonly zone: Zone;
  readonly step: ClockStep;
  readonly from: number;
  readonly to: number;
}): number[] {
  const starts: number[] = [];
  let latestShown = Number.NEGATIVE_INFINITY;
  for (const period of periodsOf(zone, from - LOOK_BACK_MS, to)) {
    for (const start of startsWithin(period, step)) {
      const shown = bucketOf(start + period.offsetMs, step);
      if (step === 'day' && shown <= latestShown) continue;
      latestShown = shown;
      const kept = bucketOf(start, 'quarter');
      if (kept <= from) starts[0] = kept;
      else if (kept < to && kept > (starts.at(-1) ?? from)) starts.push(kept);
    }
  }
  return starts;
}

/** Time in which a zone's clock does not jump. */
type Period = { readonly from: number; readonly to: number; readonly offsetMs: number };

function periodsOf(zone: Zone, from: number, to: number): Period[] {
  const periods: Period[] = [];
  let start = zoned(from, zone);
  for (;;) {
    const next = start.getTimeZoneTransition('next');
    const period = { from: start.epochMilliseconds, offsetMs: start.offsetNanoseconds / 1_000_000 };
    if (!next || next.epochMilliseconds >= to) return [...periods, { ...period, to }];
    periods.push({ ...period, to: next.epochMilliseconds });
    start = next;
  }
}

/** The beginning of a period, and the full hours or midnights that the clock shows in it. */
function startsWithin({ from, to, offsetMs }: Period, step: ClockStep): number[] {
  const first = bucketOf(from + offsetMs, step) + STEP_MS[step] - offsetMs;
  const starts = [from];
  for (let start = first; start < to; start += STEP_MS[step]) starts.push(start);
  return starts;
}

/** The same time of the clock some days later, or before; the next there is, where the clock leaves it out. */
export const shiftDays = (timeMs: number, days: number, zone: Zone): number =>
  zoned(timeMs, zone).add({ days }).epochMilliseconds;

/** What a zone's clock shows, RFC 3339 with the offset from UTC, in whole seconds: `2026-10-25T00:00:00+02:00`. */
export function clockTime(timeMs: number, zone: Zone): string {
  const offsetMinutes = Math.round(zoned(timeMs, zone).offsetNanoseconds / 60e9);
  const clock = new Date(timeMs + offsetMinutes * STEP_MS.minute).toISOString().slice(0, 19);
  if (zone === UTC) return `${clock}Z`;
  const size = Math.abs(offsetMinutes);
  return `${clock}${offsetMinutes < 0 ? '-' : '+'}${twoDigits(Math.floor(size / 60))}:${twoDigits(size % 60)}`;
}

const twoDigits = (n: number): string => String(n).padStart(2, '0');

const zoned = (timeMs: number, zone: Zone): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO(zone);
