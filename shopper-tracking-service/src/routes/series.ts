import { productId } from '@micromart/contracts/product-id';
import { instant } from '@micromart/http/parameters';
import { type Answer, type Route, route } from '@micromart/http/route';
import {
  type ConsistentRequest,
  consistencyHeaders,
  freshnessHeaders,
} from '@micromart/subscription/freshness/consistency';
import { z } from 'zod';
import { COUNTER_NAMES } from '../counters.ts';
import { pointsOf, SERIES_STEPS } from '../series.ts';
import { clockTime } from '../zone.ts';
import type { Asked } from './asked.ts';
import { series } from './count-schemas.ts';
import { CSV, csvHeaders, csvText, fileHeaders, prefersCsv, VARY } from './csv.ts';
import { COST } from './questions.ts';
import { firstPoint, requireOrder, timeOf, timeZone } from './time-parameters.ts';

const params = z.object({ id: productId });
const query = z.object({
  step: z.enum(SERIES_STEPS).default('day'),
  from: firstPoint('point'),
  to: instant().optional().meta({
    description:
      'Where the last point ends, rounded down to a bucket that is kept; the As-Of where that is earlier, or where it is left out',
  }),
  tz: timeZone,
});
const WHAT =
  'A point for each minute, hour or day, also where nothing happened; minutes for the last two days. Days and hours are ' +
  'those of the time zone, with 23 or 25 hours where the clock is put forward or back; an hour ends early where it ' +
  'jumps. A product never seen has zeros. Where quarter hours, which some zones need, are not complete yet, it is ' +
  `answered with 422 \`quarters-incomplete\`. ${COST}`;

/** `GET /products/{id}/series` */
export const seriesRoute = (asked: Asked): Route =>
  route({
    ...{ method: 'get', path: '/products/{id}/series' },
    summary: 'The counters of a product over time',
    description: WHAT,
    roles: ['business'],
    ...{ params, query, headers: consistencyHeaders },
    answers: {
      200: {
        description: 'The points, in order',
        schema: series,
        textType: CSV,
        headers: csvHeaders.extend(freshnessHeaders.shape),
      },
    },
    problems: ['conflict', 'unprocessable', 'unavailable'],
    async handle(request) {
      if (prefersCsv(request.raw)) return answerCsv(asked, request);
      const { params, query } = request;
      const { points, starts, end, headers } = await readSeries(asked, request);
      return {
        status: 200,
        headers: { ...headers, ...VARY },
        body: {
          ...{ productId: params.id, step: query.step, tz: query.tz },
          from: timeOf(starts[0] ?? end),
          to: query.to ? timeOf(end) : headers['As-Of'],
          points,
        },
      };
    },
  });

/** `GET /products/{id}/series.csv` */
export const seriesCsvRoute = (asked: Asked): Route =>
  route({
    ...{ method: 'get', path: '/products/{id}/series.csv' },
    summary: 'The counters of a product over time, as CSV',
    description: WHAT,
    roles: ['business'],
    ...{ params, query, headers: consistencyHeaders },
    answers: {
      200: {
        description: 'A row of names, and one for each point',
        contentType: CSV,
        headers: csvHeaders.extend(freshnessHeaders.shape),
      },
    },
    problems: ['conflict', 'unprocessable', 'unavailable'],
    handle: (request) => answerCsv(asked, request),
  });

type SeriesRequest = ConsistentRequest & {
  readonly params: z.output<typeof params>;
  readonly query: z.output<typeof query>;
};

async function readSeries({ store, questions }: Asked, request: SeriesRequest) {
  const { from, to, step, tz } = request.query;
  requireOrder(request.query);
  const { value, headers } = await questions.readMany(request, async (client, present) => {
    const points = pointsOf({ from, to, step, zone: tz }, present);
    const [counted] = await store.series(client, [request.params.id], points);
    return { ...points, counted: counted! };
  });
  const { starts, end, counted } = value;
  const points = starts.map((start, n) => ({ at: clockTime(start, tz), ...counted[n]! }));
  return { points, starts, end, headers };
}

async function answerCsv(asked: Asked, request: SeriesRequest): Promise<Answer> {
  const { points, headers } = await readSeries(asked, request);
  const rows = points.map((point) => [point.at, ...COUNTER_NAMES.map((name) => point[name])]);
  return {
    status: 200,
    headers: { ...headers, ...fileHeaders(`series-${request.params.id}-${request.query.step}`) },
    text: csvText(['at', ...COUNTER_NAMES], rows, true),
  };
}
