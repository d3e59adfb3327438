/** Windows of time in SQL: which buckets of which tables are read for one. */
import { problem } from '@micromart/http/problem';
import { arrayLiteral } from '@micromart/postgres/binary-array';
import type { Client } from '@micromart/postgres/pool';
import { type Run, STEP_MS, type Step } from '../buckets.ts';
import { type Coverage, coverWindow, type Span, type Window } from '../window.ts';
import type { CounterColumns } from './postgres-counter-columns.ts';

export const TABLE: { readonly [S in Step]: string } = {
  minute: 'counts_by_minute',
  quarter: 'counts_by_quarter',
  hour: 'counts_by_hour',
  day: 'counts_by_day',
};

export const STEPS: readonly Step[] = ['day', 'hour', 'quarter', 'minute'];

/** Of a window: two arrays for each step. */
export const BUCKET_PARAMETERS = 2 * STEPS.length;

/** More than any useful question reads: at most half the days of half a century. */
const MAX_BUCKETS = 10_000;

/** With about how many products there are, and how many rows are added up where all of them are. */
export type SizedCoverage = Coverage & { readonly products: number; readonly rows: number };

/** Rows of a bucket, as a part of those of a day. */
const PART_OF_DAY: { readonly [S in Step]: number } = {
  day: 1,
  hour: 1 / 10,
  quarter: 1 / 30,
  minute: 1 / 100,
};

/** Covers a window by what there is in the client's snapshot. Throws `invalid` where that takes too many buckets. */
export async function readCoverage(client: Client, window: Window): Promise<SizedCoverage> {
  const { rows } = await client.query<SpanRow>({
    name: 'span',
    text: `SELECT (SELECT min(bucket) FROM counts_by_day) AS "firstDay",
             (SELECT max(bucket) FROM counts_by_day) AS "lastDay",
             (SELECT max(bucket) FROM counts_by_hour) AS "lastHour",
             (SELECT max(bucket) FROM counts_by_minute) AS "lastMinute",
             ${rowsOf('counts_total')} AS products, ${rowsOf(TABLE.day)} AS "dayRows"`,
  });
  const { products, dayRows, ...bounds } = rows[0]!;
  const span = toSpan(bounds);
  const coverage = coverWindow(window, span);
  if (coverage.buckets > MAX_BUCKETS) {
    throw problem('invalid', 'Between these times lie more days than one question may read: ask for fewer.');
  }
  const days = span ? (span.lastDay - span.firstDay) / STEP_MS.day + 1 : 1;
  const ofDays = coverage.runs.reduce(
    (sum, { step, from, to }) => sum + (PART_OF_DAY[step] * (to - from)) / STEP_MS[step],
    0,
  );
  return { ...coverage, products, rows: (ofDays * dayRows) / days + (coverage.fromTotal ? products : 0) };
}

type SpanRow = Record<keyof Span, Date | null> & { products: number; dayRows: number };

/** As many rows as the table had when the database looked last. */
const rowsOf = (table: string): string =>
  `(SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = to_regclass('${table}'))::float8`;

const toSpan = ({ firstDay, lastDay, lastHour, lastMinute }: Record<keyof Span, Date | null>) =>
  firstDay && lastDay && lastHour
    ? {
        firstDay: firstDay.getTime(),
        lastDay: lastDay.getTime(),
        lastHour: lastHour.getTime(),
        lastMinute: lastMinute?.getTime(),
      }
    : undefined;

/** SQL: the rows of a window's buckets, subtracted ones negated; the parameters of bucketsOf begin at `first`. */
export const windowRows = ({ signed }: CounterColumns, first: number): string =>
  STEPS.map(
    (step, n) => `SELECT product_id, ${signed}
      FROM unnest($${first + 2 * n}::timestamptz[], $${first + 2 * n + 1}::int[]) AS b (bucket, sign)
      JOIN ${TABLE[step]} USING (bucket)`,
  ).join(' UNION ALL ');

/** For each step two arrays: the buckets, and their signs. */
export const bucketsOf = ({ runs }: Coverage): string[] =>
  STEPS.flatMap((step) => {
    const buckets = runs.filter((run) => run.step === step).flatMap(startsOf);
    return [
      arrayLiteral(buckets.map(({ at }) => new Date(at).toISOString())),
      arrayLiteral(buckets.map(({ sign }) => sign)),
    ];
  });

/** The buckets of a run, by their starts. */
export const startsOf = ({ step, from, to, sign }: Run): { at: number; sign: 1 | -1 }[] =>
  Array.from({ length: (to - from) / STEP_MS[step] }, (_, n) => ({ at: from + n * STEP_MS[step], sign }));
