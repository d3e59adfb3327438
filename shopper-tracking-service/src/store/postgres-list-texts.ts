import { columnOf } from '../counters.ts';
import type { Ordering, Sort } from '../list.ts';
import { ratiosOf } from '../ratios.ts';
import type { Coverage } from '../window.ts';
import { counterColumns } from './postgres-counter-columns.ts';
import { windowRows } from './postgres-window.ts';

/**
 * The parts of which queries for lists are made. Their first three parameters are the selection: the least added, ids and
 * the beginning of ids to search for.
 */
export function createListTexts(names: readonly string[]) {
  const columns = counterColumns(names);
  const ratios = new Map<string, string>(
    ratiosOf(names).map(([name, { part, whole, ofNothing }]) => {
      const sum = whole.map(columnOf).join(' + ');
      const ofNone = ofNothing ?? 'NULL';
      return [name, `(CASE WHEN ${sum} = 0 THEN ${ofNone} ELSE ${columnOf(part)}::float8 / (${sum}) END)`];
    }),
  );
  const ratiosSelected = [...ratios].map(([name, ratio]) => `${ratio} AS "${name}"`);
  const product = ['product_id AS "productId"', columns.selected, ...ratiosSelected].join(', ');
  const isListed = `(added >= $1 AND ${columns.isCounted}
    AND ($3::text IS NULL OR product_id = ANY($2::text[]) OR starts_with(product_id, $3)))`;

  const sortValue = (sort: Sort): string => ratios.get(sort) ?? columnOf(sort);
  const orderOf = ({ sort, descending }: Ordering): string =>
    `${sortValue(sort)} ${descending ? 'DESC' : 'ASC'} NULLS LAST, product_id`;

  /** The counters of all products; the parameters of bucketsOf begin at `first`. */
  const sourceOf = (coverage: Coverage | undefined, first: number): string => {
    if (!coverage) return 'counts_total';
    const sums = `(SELECT product_id, ${columns.sums} FROM (${windowRows(columns, first)}) w GROUP BY product_id)`;
    if (!coverage.fromTotal) return sums;
    return `(SELECT product_id, ${columns.added} FROM counts_total t LEFT JOIN ${sums} s USING (product_id))`;
  };

  return {
    columns,
    /** What is selected of a product. */
    product,
    isListed,
    sortValue,
    orderOf,
    sourceOf,
    /** All products, each with its rank in the list, which is null for those that are not on it. */
    ranked: (ordering: Ordering, coverage: Coverage | undefined, first: number): string => `
      SELECT ${product}, CASE WHEN is_listed
        THEN row_number() OVER (PARTITION BY is_listed ORDER BY ${orderOf(ordering)}) END AS rank
      FROM (SELECT *, ${isListed} AS is_listed FROM ${sourceOf(coverage, first)} c) c`,
  };
}
