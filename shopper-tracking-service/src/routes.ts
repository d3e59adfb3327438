import { productId } from '@micromart/contracts/product-id';
import { createListCursor } from '@micromart/http/list-cursor';
import { instant, wholeNumber } from '@micromart/http/parameters';
import { problem } from '@micromart/http/problem';
import { type Route, route } from '@micromart/http/route';
import { isCancelled } from '@micromart/postgres/failure';
import type { Client } from '@micromart/postgres/pool';
import {
  type Consistency,
  type ConsistentRequest,
  consistencyHeaders,
  type FreshAnswer,
  freshnessHeaders,
} from '@micromart/subscription/freshness/consistency';
import type { Freshness } from '@micromart/subscription/freshness/freshness';
import { z } from 'zod';
import type { After, List, Sort } from './list.ts';
import { counts, page, sort } from './routes/count-schemas.ts';
import type { CountStore } from './store/store.ts';
import { type Present, type Window, windowOf } from './window.ts';

const MAX_LIMIT = 1_000;
const DEFAULT_LIMIT = 50;
const RETRY_COSTLY_S = 5;
/** The count by which the list is sorted, and the product's id, behind which the next page begins. */
const listCursor = createListCursor(z.tuple([z.number(), productId]));
const COST =
  'A question about many products or days that takes too long is answered with 503 `question-too-costly`, one that ' +
  'would read more than 10,000 buckets of time with 400.';
const MAX_MIN_ADDED = 1_000_000_000;

/** The routes for business users. */
export function trackingRoutes({
  store,
  consistency,
  now,
}: {
  store: CountStore;
  consistency: Consistency;
  now: () => Date;
}): Route[] {
  /**
   * Reads the clock after the snapshot began, so everything that the snapshot misses because it was swept was due by
   * then.
   */
  const presentOf = async (freshness: Promise<Freshness>): Promise<Present> => {
    const { asOf } = await freshness;
    return { asOfMs: asOf.getTime(), nowMs: now().getTime() };
  };

  /** Reads many rows, within limits of its own, so that it does not delay requests that read few. */
  async function readManyRows<T>(
    request: ConsistentRequest,
    read: (client: Client, present: Present) => Promise<T>,
  ): Promise<FreshAnswer<T>> {
    try {
      const atPresent = async (client: Client, freshness: Promise<Freshness>) =>
        read(client, await presentOf(freshness));
      return await consistency.read(request, atPresent, store.listPool);
    } catch (error) {
      throw isCancelled(error) ? tooCostly() : error;
    }
  }

  return [
    route({
      method: 'get',
      path: '/products/{id}/counts',
      summary: 'How often a product was put into carts and taken out again',
      description: COST,
      roles: ['business'],
      params: z.object({ id: productId }),
      query: z.object({
        asOf: instant()
          .optional()
          .meta({ description: 'As it was at a time, rounded down to a bucket that is kept' }),
      }),
      headers: consistencyHeaders,
      answers: { 200: { description: 'The counters', schema: counts, headers: freshnessHeaders } },
      problems: ['conflict', 'unavailable'],
      async handle(request) {
        const { id } = request.params;
        const { asOf } = request.query;
        if (!asOf) {
          const { value, headers } = await consistency.read(request, (client) => store.total(client, id));
          return { status: 200, headers, body: { productId: id, ...value, asOf: headers['As-Of'] } };
        }
        const { value, headers } = await readManyRows(request, async (client, present) => {
          const window = windowOf({ to: asOf }, present);
          return { ...(await store.within(client, id, window)), asOf: timeOf(window.to!) };
        });
        return { status: 200, headers, body: { productId: id, ...value } };
      },
    }),
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
        cursor: z.string().max(500).optional(),
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
        const { value, headers } = await readManyRows(request, async (client, present) => {
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
    }),
  ];
}

const afterOf = ([value, productId]: readonly [number, string]): After => ({ value, productId });

const tooCostly = () =>
  problem(
    'unavailable',
    'The question took too long: ask for a smaller window, or again when there is less load.',
    {
      type: 'question-too-costly',
      retryAfterS: RETRY_COSTLY_S,
    },
  );

const timeOf = (timeMs: number): string => new Date(timeMs).toISOString();

function requireOrder({ from, to }: { from?: Date | undefined; to?: Date | undefined }): void {
  if (!from || !to || from <= to) return;
  throw problem('invalid', '`from` must not lie after `to`.', {
    errors: [{ path: 'query.from', message: 'must not lie after to' }],
  });
}

const shownWindow = (window: Window | undefined, asOf: string) =>
  window && {
    ...(window.from !== undefined && { from: timeOf(window.from) }),
    to: window.to === undefined ? asOf : timeOf(window.to),
  };
