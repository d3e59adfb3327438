import { productId } from '@micromart/contracts/product-id';
import { instant } from '@micromart/http/parameters';
import { type Route, route } from '@micromart/http/route';
import { consistencyHeaders, freshnessHeaders } from '@micromart/subscription/freshness/consistency';
import { z } from 'zod';
import { MAX_POINTS, pointsOf, SERIES_STEPS, USUAL_POINTS } from '../series.ts';
import { clockTime } from '../zone.ts';
import type { Asked } from './asked.ts';
import { series } from './count-schemas.ts';
import { COST } from './questions.ts';
import { requireOrder, timeOf, timeZone } from './time-parameters.ts';

/** `GET /products/{id}/series` */
export const seriesRoute = ({ store, questions }: Asked): Route =>
  route({
    method: 'get',
    path: '/products/{id}/series',
    summary: 'The counters of a product over time',
    description:
      'A point for each minute, hour or day, also where nothing happened; minutes for the last two days. Days and hours are ' +
      'those of the time zone, with 23 or 25 hours where the clock is put forward or back; an hour ends early where it ' +
      'jumps. A product never seen has zeros. Where quarter hours, which some zones need, are not complete yet, it is ' +
      `answered with 422 \`quarters-incomplete\`. ${COST}`,
    roles: ['business'],
    params: z.object({ id: productId }),
    query: z.object({
      step: z.enum(SERIES_STEPS).default('day'),
      from: instant()
        .optional()
        .meta({
          description: `The first point is the one in which this lies; at most ${MAX_POINTS} before the end, ${USUAL_POINTS} where it is left out`,
        }),
      to: instant().optional().meta({
        description:
          'Where the last point ends, rounded down to a bucket that is kept; the As-Of where that is earlier, or where it is left out',
      }),
      tz: timeZone,
    }),
    headers: consistencyHeaders,
    answers: { 200: { description: 'The points, in order', schema: series, headers: freshnessHeaders } },
    problems: ['conflict', 'unprocessable', 'unavailable'],
    async handle(request) {
      const { id } = request.params;
      const { from, to, step, tz } = request.query;
      requireOrder(request.query);
      const { value, headers } = await questions.readMany(request, async (client, present) => {
        const points = pointsOf({ from, to, step, zone: tz }, present);
        const [counted] = await store.series(client, [id], points);
        return { points, counted: counted! };
      });
      const { starts, end } = value.points;
      return {
        status: 200,
        headers,
        body: {
          ...{ productId: id, step, tz },
          from: timeOf(starts[0] ?? end),
          to: to ? timeOf(end) : headers['As-Of'],
          points: starts.map((start, n) => ({ at: clockTime(start, tz), ...value.counted[n] })),
        },
      };
    },
  });
