import { productId } from '@micromart/contracts/product-id';
import { createListCursor, cursorParameter } from '@micromart/http/list-cursor';
import { instant, wholeNumber } from '@micromart/http/parameters';
import { type Route, route } from '@micromart/http/route';
import { consistencyHeaders, freshnessHeaders } from '@micromart/subscription/freshness/consistency';
import { z } from 'zod';
import type { After, List, Sort } from '../list.ts';
import type { CountStore } from '../store/store.ts';
import { type Window, windowOf } from '../window.ts';
import { page, sort } from './count-schemas.ts';
import { COST, type Questions } from './questions.ts';
import { requireOrder, timeOf } from './time-parameters.ts';

const MAX_LIMIT = 1_000;
const DEFAULT_LIMIT = 50;
const MAX_MIN_ADDED = 1_000_000_000;
/** The count by which the list is sorted, and the product's id, behind which the next page begins. */
const listCursor = createListCursor(z.tuple([z.number(), productId]));

/** `GET /products` */
export const productsRoute = ({ store, questions }: { store: CountStore; questions: Questions }): Route =>
  route({
    method: 'get',
    path: '/products',
    summary: 'Products by what happened to them in carts',
    description: COST,
    roles: ['business'],
    query: z.object({
      sort: sort.default('-added'),
      from: instant().optional(),
      to: instant().optional(),
      minAdded: wholeNumber({ max: MAX_MIN_ADDED }).default(0),
      cursor: cursorParameter.optional(),
      limit: wholeNumber({ min: 1, max: MAX_LIMIT }).default(DEFAULT_LIMIT),
    }),
    headers: consistencyHeaders,
    answers: { 200: { description: 'A page of products', schema: page, headers: freshnessHeaders } },
    problems: ['conflict', 'unavailable'],
    async handle(request) {
      const { query } = request;
      const descending = query.sort.startsWith('-');
      const by = query.sort.replace('-', '') as Sort;
      const name = JSON.stringify([query.sort, query.from ?? null, query.to ?? null, query.minAdded]);
      requireOrder(query);
      const after = query.cursor === undefined ? undefined : afterOf(listCursor.read(query.cursor, name));
      const { value, headers } = await questions.readMany(request, async (client, present) => {
        const window = query.from || query.to ? windowOf(query, present) : undefined;
        const { minAdded, limit } = query;
        const list: List = { sort: by, descending, window, minAdded, after, limit: limit + 1 };
        return { window, found: await store.list(client, list) };
      });
      const items = value.found.slice(0, query.limit);
      const last = items.at(-1);
      const more = value.found.length > query.limit && last;
      const next = more ? listCursor.write(name, [last[by], last.productId]) : null;
      return {
        status: 200,
        headers,
        body: { items, next, ...shownWindow(value.window, headers['As-Of']!) },
      };
    },
  });

const afterOf = ([value, productId]: readonly [number, string]): After => ({ value, productId });

const shownWindow = (window: Window | undefined, asOf: string) =>
  window && {
    ...(window.from !== undefined && { from: timeOf(window.from) }),
    to: window.to === undefined ? asOf : timeOf(window.to),
  };
