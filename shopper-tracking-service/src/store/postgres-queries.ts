import { list as listOf } from '@micromart/shared/postgres/list';
import type { Client } from '@micromart/shared/postgres/pool';
import { cover, type Run, STEP_MS, type Step } from '../buckets.ts';
import { type Counts, NOTHING } from '../counts.ts';
import type { List, Product, Sort } from '../list.ts';

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

export async function readAsOf(client: Client, productId: string, toMs: number): Promise<Counts> {
  const { rows: first } = await client.query<{ day: Date | null }>({
    name: 'first_day',
    text: 'SELECT min(bucket) AS day FROM counts_by_day',
  });
  const fromMs = first[0]?.day?.getTime() ?? toMs;
  const { rows } = await client.query<Counts>({
    name: 'as_of',
    text: `SELECT ${COUNTS} FROM (SELECT ${SUMS} FROM (${windowRows(2)}) w WHERE product_id = $1) sums`,
    values: [productId, ...bucketsOf({ from: fromMs, to: toMs }).values],
  });
  return rows[0]!;
}

/** A page of a list. The order is that of the sort, and by product id within equal values. */
export async function readList(client: Client, list: List): Promise<Product[]> {
  const top = await readTop(client, list);
  return top.length > 0 ? top : readAll(client, list);
}

const VALUE: { readonly [S in Sort]: string } = {
  added: 'added',
  removed: 'removed',
  unitsAdded: 'units_added',
  unitsRemoved: 'units_removed',
  removalRatio: '(CASE WHEN added = 0 THEN 0 ELSE removed::float8 / added END)',
};

const PRODUCT = `product_id AS "productId", ${COUNTS}, ${VALUE.removalRatio} AS "removalRatio"`;

async function readAll(client: Client, list: List): Promise<Product[]> {
  const { sort, descending, window, minAdded, after, limit } = list;
  const source = window
    ? `(SELECT product_id, ${SUMS} FROM (${windowRows(5)}) w GROUP BY product_id)`
    : 'counts_total';
  const value = VALUE[sort];
  const { rows } = await client.query<Product>(
    `SELECT ${PRODUCT} FROM ${source} c
     WHERE added >= $1 AND (added > 0 OR removed > 0) AND ($4::text IS NULL
       OR ${value} ${descending ? '<' : '>'} $3::float8 OR (${value} = $3 AND product_id > $4))
     ORDER BY ${value} ${descending ? 'DESC' : 'ASC'}, product_id LIMIT $2`,
    [
      minAdded,
      limit,
      after?.value ?? null,
      after?.productId ?? null,
      ...(window ? bucketsOf(window).values : []),
    ],
  );
  return rows;
}

/** Look-ups of a product in a bucket; with more, adding up the whole window is faster. */
const MAX_LOOK_UPS = 6_000;

/**
 * The first page of a window's list, foremost first, without adding up all products (Fagin's threshold algorithm): a
 * product has no more in a window than in total, so once as many products as the page takes are added up, whoever has
 * less in total than the least of them is not on it. Empty where too many are left, and where there is nothing to list.
 */
async function readTop(client: Client, list: List): Promise<Product[]> {
  const { sort, descending, window, minAdded, after, limit } = list;
  if (!window || !descending || after || sort === 'removalRatio') return [];
  const buckets = bucketsOf(window);
  const candidates = Math.floor(MAX_LOOK_UPS / buckets.count);
  if (buckets.count === 0 || candidates < limit) return [];
  const value = VALUE[sort];
  const addedUp = `CROSS JOIN LATERAL (SELECT ${SUMS} FROM (${windowRows(4)}) w WHERE w.product_id = t.product_id) sums`;
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
    values: [minAdded, limit, candidates, ...buckets.values],
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

/** For each step two lists: the buckets that cover a window, and their signs. */
function bucketsOf({ from, to }: { from: number; to: number }): { values: string[]; count: number } {
  const runs = cover(from, to);
  const values = STEPS.flatMap((step) => {
    const buckets = runs.filter((run) => run.step === step).flatMap(startsOf);
    return [
      listOf(buckets.map(({ at }) => new Date(at).toISOString())),
      listOf(buckets.map(({ sign }) => sign)),
    ];
  });
  const count = runs.reduce((sum, { step, from, to }) => sum + (to - from) / STEP_MS[step], 0);
  return { values, count };
}

const startsOf = ({ step, from, to, sign }: Run): { at: number; sign: 1 | -1 }[] =>
  Array.from({ length: (to - from) / STEP_MS[step] }, (_, n) => ({ at: from + n * STEP_MS[step], sign }));
