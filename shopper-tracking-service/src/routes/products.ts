import { productId } from '@micromart/contracts/product-id';
import { createListCursor, cursorParameter } from '@micromart/http/list-cursor';
import { wholeNumber } from '@micromart/http/parameters';
import { type Route, route } from '@micromart/http/route';
import type { Client } from '@micromart/postgres/pool';
import { consistencyHeaders, freshnessHeaders } from '@micromart/subscription/freshness/consistency';
import { z } from 'zod';
import type { After, Product } from '../list.ts';
import type { Present } from '../window.ts';
import type { Asked } from './asked.ts';
import { page } from './count-schemas.ts';
import { CSV, csvHeaders, prefersCsv, VARY } from './csv.ts';
import {
  type ListQuery,
  listQuery,
  questionOf,
  requireMeaningful,
  type Searched,
  searchBy,
  shownWindows,
} from './list-question.ts';
import { pastOf } from './past.ts';
import { answerCsv, refusePaging } from './products-csv.ts';
import { COST } from './questions.ts';
import { requireFewLines, type Spark, sparkOf, sparkQuery } from './spark.ts';

const MAX_LIMIT = 1_000;
const DEFAULT_LIMIT = 50;
/** The value by which the list is sorted, and the product's id, behind which the next page begins. */
const listCursor = createListCursor(z.tuple([z.number().nullable(), productId]));

const pageQuery = z.object({
  ...listQuery,
  ...sparkQuery,
  cursor: cursorParameter.optional(),
  limit: wholeNumber({ min: 1, max: MAX_LIMIT })
    .optional()
    .meta({ description: `${DEFAULT_LIMIT} where it is left out` }),
});
type PageQuery = z.output<typeof pageQuery>;

/** `GET /products` */
export const productsRoute = (asked: Asked): Route =>
  route({
    method: 'get',
    path: '/products',
    summary: 'Products by what happened to them in carts',
    description: `A product has its name where the catalog has said it lately; no figure waits for a name. ${COST}`,
    roles: ['business'],
    query: pageQuery,
    headers: consistencyHeaders,
    answers: {
      200: {
        description: 'A page of products; as CSV, all of them',
        schema: page,
        textType: CSV,
        headers: csvHeaders.extend(freshnessHeaders.shape),
      },
    },
    problems: ['conflict', 'unprocessable', 'unavailable'],
    async handle(request) {
      const { query } = request;
      if (prefersCsv(request.raw)) {
        refusePaging(query);
        return answerCsv(asked, request, query);
      }
      requireMeaningful(query);
      const limit = query.limit ?? DEFAULT_LIMIT;
      requireFewLines(query.spark, limit);
      const list = nameOf(query);
      const after = query.cursor === undefined ? undefined : afterOf(listCursor.read(query.cursor, list));
      const searched = query.q === undefined ? undefined : await searchBy(query.q, asked.search);
      const { value, headers, boughtSince } = await asked.questions.readMany(request, (client, present) =>
        readPage(asked, client, present, { query, searched, after, limit }),
      );
      const names = await value.named;
      const last = value.shown.at(-1);
      const by = value.question.ordering.sort;
      return {
        status: 200,
        headers: { ...headers, ...VARY },
        body: {
          items: value.shown.map((product, n) => ({
            ...product,
            name: names.get(product.productId),
            previous: value.past?.[n],
            spark: value.spark?.lines[n],
          })),
          next: value.hasMore && last ? listCursor.write(list, [last[by], last.productId]) : null,
          ...shownWindows(value.question, headers['As-Of']!),
          boughtSince,
          days: value.spark?.days,
          names: searched?.names,
        },
      };
    },
  });

type PageQuestion = {
  readonly query: PageQuery;
  readonly searched: Searched | undefined;
  readonly after: After | undefined;
  readonly limit: number;
};

/** Everything about a page that comes from one snapshot; names are asked for meanwhile, and waited for afterwards. */
async function readPage(
  { store, names }: Asked,
  client: Client,
  present: Present,
  { query, searched, after, limit }: PageQuestion,
) {
  const question = questionOf(query, searched?.search, present);
  const { ordering, before } = question;
  const found = await store.list(client, { ...ordering, after, limit: limit + 1 });
  const shown = found.slice(0, limit);
  const ids = shown.map(({ productId }: Product) => productId);
  const named = names.of(ids);
  const past = before && pastOf(ids, await store.past(client, { ...ordering, window: before }, ids));
  const spark: Spark | undefined = query.spark && (await sparkOf(store, client, present, query, ids));
  return { question, shown, hasMore: found.length > limit, named, past, spark };
}

/** Names a list, for its cursors: what does not change which products come in which order is no part of it. */
const nameOf = ({ sort, from, to, minAdded, q }: ListQuery): string =>
  JSON.stringify([sort, from ?? null, to ?? null, minAdded, ...(q === undefined ? [] : [q])]);

const afterOf = ([value, productId]: readonly [number | null, string]): After => ({ value, productId });
