import type { Client } from '@micromart/shared/postgres/pool';
import { cover, type Run, STEP_MS, type Step } from '../buckets.ts';
import { type Counts, NOTHING } from '../counts.ts';
import type { List, Product, Sort } from '../list.ts';

const TABLE: { readonly [S in Step]: string } = {
  minute: 'counts_by_minute',
  hour: 'counts_by_hour',
  day: 'counts_by_day',
};

const COUNTS = `added, removed, units_added AS "unitsAdded", units_removed AS "unitsRemoved"`;
const SUMS = ['added', 'removed', 'units_added', 'units_removed']
  .map((column) => `coalesce(sum(${column}), 0)::bigint AS ${column}`)
  .join(', ');

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
  const parts = cover(fromMs, toMs).map(productPart);
  if (parts.length === 0) return NOTHING;
  const { rows } = await client.query<Counts>(
    `SELECT ${COUNTS} FROM (SELECT ${SUMS} FROM (${parts.join(' UNION ALL ')}) parts) sums`,
    [productId],
  );
  return rows[0]!;
}

/** A page of a list. The order is that of the sort, and by product id within equal values. */
export async function readList(client: Client, list: List): Promise<Product[]> {
  const { sort, descending, window, minAdded, after, limit } = list;
  const source = window
    ? `(SELECT product_id, ${SUMS} FROM (${windowParts(window)}) parts GROUP BY product_id)`
    : 'counts_total';
  const value = VALUE[sort];
  const behind = after
    ? `AND (${value} ${descending ? '<' : '>'} $3 OR (${value} = $3 AND product_id > $4))`
    : '';
  const { rows } = await client.query<Product>(
    `SELECT product_id AS "productId", ${COUNTS}, ${VALUE.removalRatio} AS "removalRatio" FROM ${source} c
     WHERE added >= $1 ${behind}
     ORDER BY ${value} ${descending ? 'DESC' : 'ASC'}, product_id LIMIT $2`,
    [minAdded, limit, ...(after ? [after.value, after.productId] : [])],
  );
  return rows;
}

const VALUE: { readonly [S in Sort]: string } = {
  added: 'added',
  removed: 'removed',
  unitsAdded: 'units_added',
  unitsRemoved: 'units_removed',
  removalRatio: '(CASE WHEN added = 0 THEN 0 ELSE removed::float8 / added END)',
};

const at = (ms: number): string => `'${new Date(ms).toISOString()}'::timestamptz`;

/** One product's rows of a run: a look-up for each bucket, since the key begins with it. */
const productPart = ({ step, from, to }: Run): string =>
  `SELECT c.* FROM generate_series(${at(from)}, ${at(to - STEP_MS[step])}, interval '${STEP_MS[step]} ms') bucket
   JOIN ${TABLE[step]} c USING (bucket) WHERE c.product_id = $1`;

/** All products' rows of a window. */
function windowParts({ from, to }: { from: number; to: number }): string {
  const parts = cover(from, to).map(
    (run) => `SELECT * FROM ${TABLE[run.step]} WHERE bucket >= ${at(run.from)} AND bucket < ${at(run.to)}`,
  );
  return parts.length > 0 ? parts.join(' UNION ALL ') : 'SELECT * FROM counts_by_day WHERE false';
}
