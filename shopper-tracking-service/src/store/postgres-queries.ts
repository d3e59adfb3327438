import type { Client } from '@micromart/postgres/pool';
import { COUNTER_NAMES, columnOf } from '../counters.ts';
import { type Counts, zerosOf } from '../counts.ts';
import type { List, Product, Sort } from '../list.ts';
import type { Coverage } from '../window.ts';
import { counterColumns } from './postgres-counter-columns.ts';
import { bucketsOf, readCoverage, windowRows } from './postgres-window.ts';
import type { CountStore } from './store.ts';

/** Look-ups of a product in a bucket; with more, adding up the whole window is faster. */
const MAX_LOOK_UPS = 6_000;

const RATIO = '(CASE WHEN added = 0 THEN 0 ELSE removed::float8 / added END)';
const valueSql = (sort: Sort): string => (sort === 'removalRatio' ? RATIO : columnOf(sort));

/** The store's questions about these counters. The texts of prepared statements are built once, and never change. */
export function createQueries(names: readonly string[]): Pick<CountStore, 'total' | 'within' | 'list'> {
  const columns = counterColumns(names);
  const product = `product_id AS "productId", ${columns.selected}, ${RATIO} AS "removalRatio"`;
  const totalText = `SELECT ${columns.selected} FROM counts_total WHERE product_id = $1`;
  const windowText = `
    SELECT ${columns.selected} FROM (SELECT ${columns.sums} FROM (${windowRows(columns, 3)} UNION ALL
      SELECT product_id, ${columns.all} FROM counts_total WHERE $2::boolean) w
    WHERE product_id = $1) sums`;
  const zeros = zerosOf(names);

  async function total(client: Client, productId: string): Promise<Counts> {
    const { rows } = await client.query<Counts>({ name: 'total', text: totalText, values: [productId] });
    return rows[0] ?? zeros;
  }

  /** The counters of all products; the parameters of bucketsOf begin at $5. */
  const sourceOf = (coverage: Coverage | undefined): string => {
    if (!coverage) return 'counts_total';
    const sums = `(SELECT product_id, ${columns.sums} FROM (${windowRows(columns, 5)}) w GROUP BY product_id)`;
    if (!coverage.fromTotal) return sums;
    return `(SELECT product_id, ${columns.added} FROM counts_total t LEFT JOIN ${sums} s USING (product_id))`;
  };

  async function readAll(client: Client, list: List, coverage?: Coverage): Promise<Product[]> {
    const { sort, descending, minAdded, after, limit } = list;
    const value = valueSql(sort);
    const { rows } = await client.query<Product>(
      `SELECT ${product} FROM ${sourceOf(coverage)} c
       WHERE added >= $1 AND ${columns.isCounted} AND ($4::text IS NULL
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

  /**
   * The first page of a window's list, foremost first, without adding up all products (Fagin's threshold algorithm). A
   * product has no more in a window than in total. So once as many products as the page takes are added up, products with
   * less in total than the least of them are not on it. Empty where too many are left, and where there is nothing to list.
   */
  async function readTop(client: Client, list: List, coverage: Coverage): Promise<Product[]> {
    const { sort, descending, minAdded, after, limit } = list;
    if (!descending || after || sort === 'removalRatio') return [];
    const candidates = Math.floor(MAX_LOOK_UPS / coverage.buckets);
    if (candidates < limit) return [];
    const { rows } = await client.query<Product>({
      name: `top_${sort}`,
      text: topTexts[sort]!,
      values: [minAdded, limit, candidates, coverage.fromTotal, ...bucketsOf(coverage)],
    });
    return rows;
  }

  const addedUp = `CROSS JOIN LATERAL (SELECT ${columns.sums} FROM (${windowRows(columns, 5)} UNION ALL
    SELECT product_id, ${columns.all} FROM counts_total WHERE $4::boolean) w
    WHERE w.product_id = t.product_id) sums`;
  const topText = (value: string) => `
    WITH foremost AS (
      SELECT product_id FROM counts_total ORDER BY ${value} DESC LIMIT $2
    ), threshold AS (
      SELECT CASE WHEN bool_and(added >= $1) THEN min(${value}) ELSE 0 END AS least FROM foremost t ${addedUp}
    ), candidates AS MATERIALIZED (
      SELECT product_id FROM counts_total WHERE ${value} >= (SELECT least FROM threshold) LIMIT $3::int + 1
    )
    SELECT ${product} FROM candidates t ${addedUp}
    WHERE (SELECT count(*) FROM candidates) <= $3 AND added >= $1 AND ${columns.isCounted}
    ORDER BY ${value} DESC, product_id LIMIT $2`;
  const topTexts = Object.fromEntries(names.map((name) => [name, topText(columnOf(name))]));

  return {
    total,

    async within(client, productId, window) {
      const coverage = await readCoverage(client, window);
      if (coverage.fromTotal && coverage.buckets === 0) return total(client, productId);
      const { rows } = await client.query<Counts>({
        name: 'window',
        text: windowText,
        values: [productId, coverage.fromTotal, ...bucketsOf(coverage)],
      });
      return rows[0]!;
    },

    async list(client, list) {
      if (!list.window) return readAll(client, list);
      const coverage = await readCoverage(client, list.window);
      if (coverage.buckets === 0) return coverage.fromTotal ? readAll(client, list) : [];
      const top = await readTop(client, list, coverage);
      return top.length > 0 ? top : readAll(client, list, coverage);
    },
  };
}

export const queries = createQueries(COUNTER_NAMES);
