/** Series: the counters of a product over time, a point for each minute, hour or day of a zone. */
import { problem } from '@micromart/http/problem';
import { bucketOf, cover, EARLIEST_MS, type Kept, type Run, roundDown, STEP_MS } from './buckets.ts';
import { keptAt, type Present } from './window.ts';
import { bucketStarts, clockTime, type Zone } from './zone.ts';

export const SERIES_STEPS = ['minute', 'hour', 'day'] as const;
export type SeriesStep = (typeof SERIES_STEPS)[number];

export const MAX_POINTS = 1_500;
/** Of a series whose beginning is not asked for. */
export const USUAL_POINTS = 60;
/** No day of a zone is longer, nor does any hour last three. */
const MAX_STEPS_OF_A_POINT = 3;

export type SeriesQuestion = {
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly step: SeriesStep;
  readonly zone: Zone;
};

/** Where each point begins; it ends where the next one does, the last one at `end`. In milliseconds. */
export type Points = { readonly starts: readonly number[]; readonly end: number };

/**
 * The points that are answered. The first is the one in which `from` lies. Where `to` is asked for, the last one ends there
 * or at the As-Of, whichever comes first, rounded down; else it is the one in which the As-Of lies, whole. Throws `invalid`
 * for more than 1,500 points and for minutes that are not answered, `unprocessable` where quarter hours are missing.
 */
export function pointsOf(
  { from, to, step, zone }: SeriesQuestion,
  present: Present,
  kept: Kept = keptAt(present),
): Points {
  const end = to && roundDown(Math.min(to.getTime(), present.asOfMs), kept);
  const last = end === undefined ? present.asOfMs : end - 1;
  const first = Math.max(from ? from.getTime() : last - (USUAL_POINTS - 1) * STEP_MS[step], EARLIEST_MS);
  if (first > last) return { starts: [], end: end ?? last };
  if ((last - first) / STEP_MS[step] > MAX_POINTS) throw tooMany(step);
  const starts = startsOf({ step, zone, from: first, to: last + MAX_STEPS_OF_A_POINT * STEP_MS[step] });
  // The day in which time begins has a beginning of its own in most zones.
  const within = starts.filter((start) => start <= last).map((start) => Math.max(start, EARLIEST_MS));
  if (within.length > MAX_POINTS) throw tooMany(step);
  const points = { starts: within, end: end ?? starts[within.length]! };
  requireKept(points, step, zone, kept);
  return points;
}

type Buckets = {
  readonly step: SeriesStep;
  readonly zone: Zone;
  readonly from: number;
  readonly to: number;
};

function startsOf({ step, ...buckets }: Buckets): number[] {
  if (step !== 'minute') return bucketStarts({ step, ...buckets });
  const first = bucketOf(buckets.from, step);
  return Array.from(
    { length: Math.ceil((buckets.to - first) / STEP_MS[step]) },
    (_, n) => first + n * STEP_MS[step],
  );
}

/** Whether each point can be told from the buckets that are kept. */
function requireKept({ starts, end }: Points, step: SeriesStep, zone: Zone, kept: Kept): void {
  const missing = [...starts, end].find((at) => roundDown(at, kept) !== at);
  if (missing === undefined) return;
  if (step === 'minute') {
    throw problem(
      'invalid',
      `Minutes are answered from ${clockTime(kept.minutesFrom, zone)} on: ask for \`from\` after that, or for hours.`,
      { errors: [{ path: 'query.from', message: 'must not lie before the minutes that are answered' }] },
    );
  }
  throw problem(
    'unprocessable',
    `Quarter hours, of which the ${step}s of ${zone} are made, are complete from ${clockTime(kept.quartersFrom, zone)} on. ` +
      'Ask for `from` after that, or for a zone that is whole hours away from UTC, until a rebuild has counted the others.',
    { type: 'quarters-incomplete' },
  );
}

const tooMany = (step: SeriesStep) =>
  problem(
    'invalid',
    `A series has at most ${MAX_POINTS} points. Ask for \`from\` and \`to\` closer together` +
      (step === 'day' ? '.' : `, or for longer steps than \`${step}\`.`),
    { errors: [{ path: 'query.from', message: `must lie at most ${MAX_POINTS} ${step}s before the end` }] },
  );

/** The buckets of each point. */
export const runsOf = ({ starts, end }: Points): Run[][] =>
  starts.map((start, n) => cover(start, starts[n + 1] ?? end));
