import { problem } from '@micromart/http/problem';
import { arrayLiteral as listOf } from '@micromart/postgres/binary-array';
import type { Client } from '@micromart/postgres/pool';
import { type Run, STEP_MS, type Step } from '../buckets.ts';
import { type Counts, NOTHING } from '../counts.ts';
import type { List, Product, Sort } from '../list.ts';
import { type Coverage, coverWindow, type Span, type Window } from '../window.ts';

const TABLE: { readonly [S in Step]: string } = {
  minute: 'counts_by_minute',
  hour: 'counts_by_hour',
  day: 'counts_by_day',
};

const STEPS: readonly Step[] = ['day', 'hour', 'minute'];
const COLUMNS = ['added', 'removed', 'units_added', 'units_removed'];
const COUNTS = `added, removed, units_added AS "unitsAdded", units_removed AS "unitsRemoved"`;
const SUMS = COLUMNS.map((column) => `coalesce(sum(${column}), 0)::bigint AS ${column}`).join(', ');

export async function readTotal(client: Client, productId: string): Promise<Counts> {
  const { rows } = await client.query<Counts>({
    name: 'total',
    text: `SELECT ${COUNTS} FROM counts_total WHERE product_id = $1`,
    values: [productId],
  });
  return rows[0] ?? NOTHING;
}

export async function readWindow(client: Client, productId: string, window: Window): Promise<Counts> {
  const coverage = await readCoverage(client, window);
  if (coverage.fromTotal && coverage.buckets === 0) return readTotal(client, productId);
  const { rows } = await client.query<Counts>({
    name: 'window',
    text: `SELECT ${COUNTS} FROM (SELECT ${SUMS} FROM (${windowRows(3)} UNION ALL
             SELECT product_id, ${COLUMNS.join(', ')} FROM counts_total WHERE $2::boolean) w
           WHERE product_id = $1) sums`,
    values: [productId, coverage.fromTotal, ...bucketsOf(coverage)],
  });
  return rows[0]!;
}

/** More would be read for no question of use: at most half the days of half a century. */
const MAX_BUCKETS = 10_000;

/** Covers a window by what there is in the client's snapshot. Throws `invalid` where that takes too many buckets. */
async function readCoverage(client: Client, window: Window): Promise<Coverage> {
  const { rows } = await client.query<Record<keyof Span, Date | null>>({
    name: 'span',
    text: `SELECT (SELECT min(bucket) FROM counts_by_day) AS "firstDay",
             (SELECT max(bucket) FROM counts_by_day) AS "lastDay",
             (SELECT max(bucket) FROM counts_by_hour) AS "lastHour",
             (SELECT max(bucket) FROM counts_by_minute) AS "lastMinute"`,
  });
  const coverage = coverWindow(window, toSpan(rows[0]!));
  if (coverage.buckets > MAX_BUCKETS) {
    throw problem('invalid', 'Between these times lie more days than one question may read: ask for fewer.');
  }
  return coverage;
}

const toSpan = ({ firstDay, lastDay, lastHour, lastMinute }: Record<keyof Span, Date | null>) =>
  firstDay && lastDay && lastHour
    ? {
        firstDay: firstDay.getTime(),
        lastDay: lastDay.getTime(),
        lastHour: lastHour.getTime(),
        lastMinute: lastMinute?.getTime(),
      }
    : undefined;

/** A page of a list. The order is that of the sort, and by product id within equal values. */
export async function readList(client: Client, list: List): Promise<Product[]> {
  if (!list.window) return readAll(client, list);
  const coverage = await readCoverage(client, list.window);
  if (coverage.buckets === 0) return coverage.fromTotal ? readAll(client, list) : [];
  const top = await readTop(client, list, coverage);
  return top.length > 0 ? top : readAll(client, list, coverage);
}

const VALUE: { readonly [S in Sort]: string } = {
  added: 'added',
  removed: 'removed',
  unitsAdded: 'units_added',
  unitsRemoved: 'units_removed',
  removalRatio: '(CASE WHEN added = 0 THEN 0 ELSE removed::float8 / added END)',
};

const PRODUCT = `product_id AS "productId", ${COUNTS}, ${VALUE.removalRatio} AS "removalRatio"`;

async function readAll(client: Client, list: List, coverage?: Coverage): Promise<Product[]> {
  const { sort, descending, minAdded, after, limit } = list;
  const value = VALUE[sort];
  const { rows } = await client.query<Product>(
    `SELECT ${PRODUCT} FROM ${sourceOf(coverage)} c
     WHERE added >= $1 AND (added > 0 OR removed > 0) AND ($4::text IS NULL
       OR ${value} ${descending ? '<' : '>'} $3::float8 OR (${value} = $3 AND product_id > $4))
     ORDER BY ${value} ${descending ? 'DESC' : 'ASC'}, product_id LIMIT $2`,
    [
      minAdded,
      limit,
      after?.value ?? null,
      after?.productId ?? null,
      ...(coverage ? bucketsOf(coverage) : []),
    ],
  );
  return rows;
}

/** The counters of all products; the parameters of bucketsOf begin at $5. */
function sourceOf(coverage: Coverage | undefined): string {
  if (!coverage) return 'counts_total';
  const sums = `(SELECT product_id, ${SUMS} FROM (${windowRows(5)}) w GROUP BY product_id)`;
  if (!coverage.fromTotal) return sums;
  const both = COLUMNS.map((column) => `t.${column} + coalesce(s.${column}, 0) AS ${column}`).join(', ');
  return `(SELECT product_id, ${both} FROM counts_total t LEFT JOIN ${sums} s USING (product_id))`;
}

/** Look-ups of a product in a bucket; with more, adding up the whole window is faster. */
const MAX_LOOK_UPS = 6_000;

/**
 * The first page of a window's list, foremost first, without adding up all products (Fagin's threshold algorithm): a
 * product has no more in a window than in total, so once as many products as the page takes are added up, whoever has
 * less in total than the least of them is not on it. Empty where too many are left, and where there is nothing to list.
 */
async function readTop(client: Client, list: List, coverage: Coverage): Promise<Product[]> {
  const { sort, descending, minAdded, after, limit } = list;
  if (!descending || after || sort === 'removalRatio') return [];
  const candidates = Math.floor(MAX_LOOK_UPS / coverage.buckets);
  if (candidates < limit) return [];
  const value = VALUE[sort];
  const addedUp = `CROSS JOIN LATERAL (SELECT ${SUMS} FROM (${windowRows(5)} UNION ALL
    SELECT product_id, ${COLUMNS.join(', ')} FROM counts_total WHERE $4::boolean) w
    WHERE w.product_id = t.product_id) sums`;
  const { rows } = await client.query<Product>({
    name: `top_${sort}`,
    text: `WITH foremost AS (
       SELECT product_id FROM counts_total ORDER BY ${value} DESC LIMIT $2
     ), threshold AS (
       SELECT CASE WHEN bool_and(added >= $1) THEN min(${value}) ELSE 0 END AS least FROM foremost t ${addedUp}
     ), candidates AS MATERIALIZED (
       SELECT product_id FROM counts_total WHERE ${value} >= (SELECT least FROM threshold) LIMIT $3::int + 1
     )
     SELECT ${PRODUCT} FROM candidates t ${addedUp}
     WHERE (SELECT count(*) FROM candidates) <= $3 AND added >= $1 AND (added > 0 OR removed > 0)
     ORDER BY ${value} DESC, product_id LIMIT $2`,
    values: [minAdded, limit, candidates, coverage.fromTotal, ...bucketsOf(coverage)],
  });
  return rows;
}

/** The rows of a window's buckets, those to be taken off with a minus; the parameters of bucketsOf begin at `first`. */
const windowRows = (first: number): string =>
  STEPS.map(
    (step, n) => `SELECT product_id, ${COLUMNS.map((column) => `sign * ${column} AS ${column}`).join(', ')}
      FROM unnest($${first + 2 * n}::timestamptz[], $${first + 2 * n + 1}::int[]) AS b (bucket, sign)
      JOIN ${TABLE[step]} USING (bucket)`,
  ).join(' UNION ALL ');

/** For each step two lists: the buckets, and their signs. */
const bucketsOf = ({ runs }: Coverage): string[] =>
  STEPS.flatMap((step) => {
    const buckets = runs.filter((run) => run.step === step).flatMap(startsOf);
    return [
      listOf(buckets.map(({ at }) => new Date(at).toISOString())),
      listOf(buckets.map(({ sign }) => sign)),
    ];
  });

const startsOf = ({ step, from, to, sign }: Run): { at: number; sign: 1 | -1 }[] =>
  Array.from({ length: (to - from) / STEP_MS[step] }, (_, n) => ({ at: from + n * STEP_MS[step], sign }));
