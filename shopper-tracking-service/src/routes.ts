import { productId } from '@micromart/shared/contracts/product-id';
import { instant, wholeNumber } from '@micromart/shared/http/parameters';
import { problem } from '@micromart/shared/http/problem';
import { type Route, route } from '@micromart/shared/http/route';
import {
  type Consistency,
  consistencyHeaders,
  freshnessHeaders,
} from '@micromart/shared/subscription/consistency';
import { z } from 'zod';
import { bucketOf, roundToKept, STEP_MS } from './buckets.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { type List, type Product, SORTS, type Sort } from './list.ts';
import type { CountStore } from './store/store.ts';

const MAX_LIMIT = 1_000;
const DEFAULT_LIMIT = 50;
const MAX_MIN_ADDED = 1_000_000_000;

const counters = {
  productId: z.string(),
  added: z.int().meta({ description: 'Events that put it into a cart' }),
  removed: z.int().meta({ description: 'Events that took it out of one' }),
  unitsAdded: z.int(),
  unitsRemoved: z.int(),
};

const counts = z
  .object({
    ...counters,
    asOf: z.iso.datetime().meta({
      description:
        'What was committed before it is included; of a past time, the bucket it was rounded down to',
    }),
  })
  .meta({ id: 'Counts' });

const page = z.object({
  items: z.array(
    z.object({ ...counters, removalRatio: z.number().meta({ description: 'removed / added' }) }),
  ),
  next: z.string().nullable(),
  from: z.iso.datetime().optional().meta({ description: 'Where the window really begins, after rounding' }),
  to: z.iso.datetime().optional(),
});

const sort = z.enum([...SORTS, ...SORTS.map((name) => `-${name}` as const)]).default('-added');

/** What business users may ask of the counters. */
export function trackingRoutes({
  store,
  consistency,
  now,
}: {
  store: CountStore;
  consistency: Consistency;
  now: () => Date;
}): Route[] {
  return [
    route({
      method: 'get',
      path: '/products/{id}/counts',
      summary: 'How often a product was put into carts and taken out again',
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
        const past = request.query.asOf && Math.min(request.query.asOf.getTime(), now().getTime());
        const toMs = past === undefined ? undefined : roundToKept(past, now().getTime());
        const { value, headers } = await consistency.read(request, (client) =>
          toMs === undefined ? store.total(client, id) : store.asOf(client, id, toMs),
        );
        const asOf = toMs === undefined ? headers['As-Of'] : new Date(toMs).toISOString();
        return { status: 200, headers, body: { productId: id, ...value, asOf } };
      },
    }),
    route({
      method: 'get',
      path: '/products',
      summary: 'Products by what happened to them in carts',
      roles: ['business'],
      query: z.object({
        sort,
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
        const list: List = {
          sort: by,
          descending,
          window: windowOf(query, now().getTime()),
          minAdded: query.minAdded,
          after: query.cursor === undefined ? undefined : readCursor(query.cursor, name),
          limit: query.limit + 1,
        };
        const { value: found, headers } = await consistency.read(request, (client) =>
          store.list(client, list),
        );
        const items = found.slice(0, query.limit);
        const last = items.at(-1);
        const more = found.length > query.limit && last;
        return {
          status: 200,
          headers,
          body: { items, next: more ? writeCursor(name, placeOf(last, by)) : null, ...shownWindow(list) },
        };
      },
    }),
  ];
}

const placeOf = (product: Product, by: Sort) => ({ value: product[by], productId: product.productId });

const EARLIEST_MS = Date.UTC(2000, 0, 1);

/** The window asked for, rounded down to buckets that are kept; undefined for all of time. */
function windowOf(
  { from, to }: { from?: Date | undefined; to?: Date | undefined },
  nowMs: number,
): List['window'] {
  if (!from && !to) return undefined;
  const fromMs = roundToKept(Math.max(from?.getTime() ?? EARLIEST_MS, EARLIEST_MS), nowMs);
  const toMs = to
    ? roundToKept(Math.min(to.getTime(), nowMs), nowMs)
    : bucketOf(nowMs, 'minute') + STEP_MS.minute;
  if (from && to && from > to) {
    throw problem('invalid', '`from` must not lie after `to`.', {
      errors: [{ path: 'query.from', message: 'must not lie after to' }],
    });
  }
  return { from: fromMs, to: Math.max(fromMs, toMs) };
}

const shownWindow = ({ window }: List) =>
  window && { from: new Date(window.from).toISOString(), to: new Date(window.to).toISOString() };
