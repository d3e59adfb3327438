import { textArray } from '@micromart/postgres/binary-array';
import type { Client } from '@micromart/postgres/pool';
import { COUNTER_NAMES } from '../counters.ts';
import type { List, ListedProduct, Ordering, Past, Product } from '../list.ts';
import type { Coverage } from '../window.ts';
import { createListTexts } from './postgres-list-texts.ts';
import { createReadTop } from './postgres-top.ts';
import { BUCKET_PARAMETERS, bucketsOf, readCoverage } from './postgres-window.ts';
import type { CountStore } from './store.ts';

const EXPORTED_AT_ONCE = 1_000;

/** The store's lists of these counters. */
export function createLists(names: readonly string[]): Pick<CountStore, 'list' | 'past' | 'openList'> {
  const texts = createListTexts(names);
  const { product, isListed, sortValue, orderOf, sourceOf, ranked } = texts;
  const readTop = createReadTop(names, texts);

  async function readPage(client: Client, list: List, coverage: Coverage | undefined): Promise<Product[]> {
    const value = sortValue(list.sort);
    const isBehind = `CASE WHEN $4::float8 IS NULL THEN ${value} IS NULL AND product_id > $5
      ELSE ${value} IS NULL OR ${value} ${list.descending ? '<' : '>'} $4 OR (${value} = $4 AND product_id > $5) END`;
    const { rows } = await client.query<Product>(
      `SELECT ${product} FROM ${sourceOf(coverage, 7)} c
       WHERE ${isListed} AND ($5::text IS NULL OR ${isBehind})
       ORDER BY ${orderOf(list)} LIMIT $6`,
      [
        ...selectionOf(list),
        list.after?.value ?? null,
        list.after?.productId ?? null,
        list.limit,
        ...valuesOf(coverage),
      ],
    );
    return rows;
  }

  return {
    async list(client, list) {
      const coverage = list.window && (await readCoverage(client, list.window));
      if (!coverage) return readPage(client, list, undefined);
      if (coverage.buckets === 0) return coverage.fromTotal ? readPage(client, list, undefined) : [];
      const top = await readTop(client, list, coverage);
      return top.length > 0 ? top : readPage(client, list, coverage);
    },

    async past(client, ordering, productIds) {
      const coverage = ordering.window && (await readCoverage(client, ordering.window));
      const { rows } = await client.query<Past & { productId: string }>(
        `SELECT * FROM (${ranked(ordering, coverage, 5)}) r WHERE "productId" = ANY($4::text[])`,
        [...selectionOf(ordering), textArray(productIds), ...valuesOf(coverage)],
      );
      return new Map(rows.map(({ productId, ...past }) => [productId, past]));
    },

    async openList(client, ordering, before) {
      const coverage = ordering.window && (await readCoverage(client, ordering.window));
      const coverageBefore = before && (await readCoverage(client, before));
      const first = 4;
      const listed = ranked(ordering, coverage, first);
      const compared = ranked(ordering, coverageBefore, first + (coverage ? BUCKET_PARAMETERS : 0));
      const text = before
        ? `SELECT r.*, row_to_json(b) AS past FROM (${listed}) r LEFT JOIN (${compared}) b USING ("productId")`
        : `SELECT r.* FROM (${listed}) r`;
      await client.query(
        `DECLARE listed NO SCROLL CURSOR FOR ${text} WHERE r.rank IS NOT NULL ORDER BY r.rank`,
        [...selectionOf(ordering), ...valuesOf(coverage), ...valuesOf(coverageBefore)],
      );
      return async () => (await client.query<ListedProduct>(`FETCH ${EXPORTED_AT_ONCE} FROM listed`)).rows;
    },
  };
}

/** The values of a selection's parameters. */
const selectionOf = ({ minAdded, search }: Ordering) => [
  minAdded,
  search ? textArray(search.ids) : null,
  search?.prefix ?? null,
];

/** The values of a window's parameters; none for the total. */
const valuesOf = (coverage: Coverage | undefined): string[] => (coverage ? bucketsOf(coverage) : []);

export const lists = createLists(COUNTER_NAMES);
