import { productId } from '@micromart/contracts/product-id';
import { instant } from '@micromart/http/parameters';
import { type Route, route } from '@micromart/http/route';
import { consistencyHeaders, freshnessHeaders } from '@micromart/subscription/freshness/consistency';
import { z } from 'zod';
import { windowOf } from '../window.ts';
import type { Asked } from './asked.ts';
import { counts } from './count-schemas.ts';
import { COST } from './questions.ts';
import { timeOf } from './time-parameters.ts';

/** `GET /products/{id}/counts` */
export const countsRoute = ({ store, questions }: Asked): Route =>
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
        const { value, headers, boughtSince } = await questions.readFew(request, (client) =>
          store.total(client, id),
        );
        return {
          status: 200,
          headers,
          body: { productId: id, ...value, boughtSince, asOf: headers['As-Of'] },
        };
      }
      const { value, headers, boughtSince } = await questions.readMany(request, async (client, present) => {
        const window = windowOf({ to: asOf }, present);
        return { ...(await store.within(client, id, window)), asOf: timeOf(window.to!) };
      });
      return { status: 200, headers, body: { productId: id, ...value, boughtSince } };
    },
  });
