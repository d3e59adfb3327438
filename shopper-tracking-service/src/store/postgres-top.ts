import type { Client } from '@micromart/postgres/pool';
import { columnOf } from '../counters.ts';
import type { List, Product } from '../list.ts';
import type { createListTexts } from './postgres-list-texts.ts';
import { bucketsOf, type SizedCoverage, windowRows } from './postgres-window.ts';

/** Look-ups of a product in a bucket; with more, adding up the whole window is faster. */
const MAX_LOOK_UPS = 6_000;
/** Going through all products takes as long as adding up this part of so many rows; a look-up as long as one. */
const PRODUCTS_PART = 1 / 4;

/**
 * Reads the first page of a window's list, foremost first, without adding up all products (Fagin's threshold algorithm). A
 * product has no more in a window than in total. So once as many products as the page takes are added up, products with
 * less in total than the least of them are not on it. Gives nothing where too many are left, where nothing is listed, and
 * where all of the window is added up faster: a day of many products, of which few were counted on it.
 */
export function createReadTop(
  names: readonly string[],
  { columns, product }: ReturnType<typeof createListTexts>,
): (client: Client, list: List, coverage: SizedCoverage) => Promise<Product[]> {
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
  const topTexts = new Map<string, string>(names.map((name) => [name, topText(columnOf(name))]));

  return async (client, { sort, descending, minAdded, search, after, limit }, coverage) => {
    const text = topTexts.get(sort);
    const candidates = Math.floor(MAX_LOOK_UPS / coverage.buckets);
    if (!text || !descending || search || after || candidates < limit) return [];
    if (coverage.rows <= coverage.products * PRODUCTS_PART + MAX_LOOK_UPS) return [];
    const { rows } = await client.query<Product>({
      name: `top_${sort}`,
      text,
      values: [minAdded, limit, candidates, coverage.fromTotal, ...bucketsOf(coverage)],
    });
    return rows;
  };
}
