/** Lists of products as CSV: whole, as slowly as they are taken, from one snapshot. */
import type { Caller } from '@micromart/http/authentication/authentication';
import { problem } from '@micromart/http/problem';
import { type Answer, type Route, route } from '@micromart/http/route';
import {
  type ConsistentRequest,
  consistencyHeaders,
  freshnessHeaders,
} from '@micromart/subscription/freshness/consistency';
import { z } from 'zod';
import { COUNTER_NAMES } from '../counters.ts';
import type { ListedProduct, Past } from '../list.ts';
import { ratiosOf } from '../ratios.ts';
import type { Asked } from './asked.ts';
import { type Cell, CSV, csvHeaders, fileHeaders, type RawRequest, sendCsv } from './csv.ts';
import { type ListQuery, listQuery, questionOf, requireMeaningful, searchBy } from './list-question.ts';
import { ABSENT } from './past.ts';
import { COST } from './questions.ts';

/** How long a whole list may wait for names in all. */
const NAMES_BUDGET_MS = 2_000;

/** `GET /products.csv` */
export const productsCsvRoute = (asked: Asked): Route =>
  route({
    method: 'get',
    path: '/products.csv',
    summary: 'All products of a list, as CSV',
    description:
      'The list of `GET /products`, whole. A text that a spreadsheet would take for a formula has an apostrophe before it. ' +
      'Two lists are sent at a time, one of each caller, each within a minute; a client that takes it more slowly is cut off. ' +
      COST,
    roles: ['business'],
    query: z.object(listQuery),
    headers: consistencyHeaders,
    answers: {
      200: {
        description: 'A row of names, and one for each product',
        contentType: CSV,
        headers: csvHeaders.extend(freshnessHeaders.shape),
      },
    },
    problems: ['conflict', 'unavailable'],
    handle: (request) => answerCsv(asked, request, request.query),
  });

type CsvRequest = ConsistentRequest & { readonly caller: Caller; readonly raw: RawRequest };

/** Answers a whole list. Rejects with a Problem for what is wrong with it before anything is sent. */
export async function answerCsv(asked: Asked, request: CsvRequest, query: ListQuery): Promise<Answer> {
  requireMeaningful(query);
  const end = asked.exports.begin(request.caller.subject);
  try {
    return await openCsv(asked, request, query, end);
  } catch (error) {
    end();
    throw error;
  }
}

/** Calls `onEnd` when the list was read, or its client has gone. */
async function openCsv(
  asked: Asked,
  request: CsvRequest,
  query: ListQuery,
  onEnd: () => void,
): Promise<Answer> {
  const searched = query.q === undefined ? undefined : await searchBy(query.q, asked.search);
  const { value, headers, close } = await asked.questions.open(request, async (client, present) => {
    const { ordering, before } = questionOf(query, searched?.search, present);
    const readNext = await asked.store.openList(client, ordering, before);
    return { readNext, first: await readNext(), isCompared: before !== undefined };
  });
  let isOpen = true;
  const end = () => {
    if (!isOpen) return;
    isOpen = false;
    close();
    onEnd();
  };
  // An answer that is never sent ends as well.
  const response = request.raw.res;
  if (!response || response.closed) end();
  else response.once('close', end);
  const readNext = async () => {
    // The connection may serve another question by now.
    if (!isOpen) throw new Error('the list is closed');
    return value.readNext();
  };
  return {
    status: 200,
    headers: { ...headers, ...fileHeaders(`products-${headers['As-Of']!.replace(/[:.]/g, '')}`) },
    async stream(response) {
      try {
        const pages = pagesOf(asked, { ...value, readNext });
        await sendCsv(response, columnsOf(value.isCompared), pages, request);
      } finally {
        // The client may take its end much later.
        end();
      }
    },
  };
}

/** Refuses what only a page has. */
export function refusePaging(given: Readonly<Record<string, unknown>>): void {
  const names = ['cursor', 'limit', 'spark'].filter((name) => given[name] !== undefined);
  if (names.length === 0) return;
  throw problem('invalid', 'CSV is the whole list, without pages and lines: leave these parameters out.', {
    errors: names.map((name) => ({ path: `query.${name}`, message: 'must not be given with CSV' })),
  });
}

const FIGURES = [...COUNTER_NAMES, ...ratiosOf(COUNTER_NAMES).map(([name]) => name)];
const previousName = (name: string): string => `previous${name[0]!.toUpperCase()}${name.slice(1)}`;

const columnsOf = (isCompared: boolean): string[] => [
  ...['rank', 'productId', 'name', ...FIGURES],
  ...(isCompared ? ['rank', ...FIGURES].map(previousName) : []),
];

type OpenList = {
  readonly first: ListedProduct[];
  readonly readNext: () => Promise<ListedProduct[]>;
  readonly isCompared: boolean;
};

/** A first page, empty where nothing is listed, then all others. */
async function* pagesOf(
  { names }: Asked,
  { first, readNext, isCompared }: OpenList,
): AsyncGenerator<Cell[][]> {
  let budgetMs = NAMES_BUDGET_MS;
  for (
    let page = first, isFirst = true;
    isFirst || page.length > 0;
    page = await readNext(), isFirst = false
  ) {
    const startedMs = performance.now();
    const named = await names.of(
      page.map(({ productId }) => productId),
      budgetMs,
    );
    budgetMs = Math.max(0, budgetMs - (performance.now() - startedMs));
    yield page.map((product) => rowOf(product, named.get(product.productId), isCompared));
  }
}

const rowOf = (product: ListedProduct, name: string | undefined, isCompared: boolean): Cell[] => {
  const past: Past = product.past ?? ABSENT;
  return [
    ...[product.rank, product.productId, name],
    ...FIGURES.map((figure) => product[figure]),
    ...(isCompared ? [past.rank, ...FIGURES.map((figure) => past[figure])] : []),
  ];
};
