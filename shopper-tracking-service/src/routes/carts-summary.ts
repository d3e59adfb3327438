import { instant } from '@micromart/http/parameters';
import { type Route, route } from '@micromart/http/route';
import { consistencyHeaders, freshnessHeaders } from '@micromart/subscription/freshness/consistency';
import { z } from 'zod';
import { CART_STEPS, cartPoints, startedOf } from '../carts.ts';
import { clockTime } from '../zone.ts';
import type { Asked } from './asked.ts';
import { boughtSince } from './count-schemas.ts';
import { COST } from './questions.ts';
import { firstPoint, requireOrder, timeOf, timeZone } from './time-parameters.ts';

const count = (description: string) => z.int().meta({ description });

const summary = z
  .object({
    step: z.enum(CART_STEPS),
    tz: z.string().meta({ description: 'The time zone' }),
    from: z.iso.datetime().meta({ description: 'Where the first item begins' }),
    to: z.iso.datetime().meta({
      description: 'Where the last item ends; where neither `to` nor `asOf` was asked for, the As-Of',
    }),
    asOf: z.iso.datetime().meta({
      description:
        'What was committed before it is included; where `asOf` was asked for, the quarter hour that the smaller of it and the As-Of was rounded down to',
    }),
    boughtSince,
    items: z.array(
      z.object({
        at: z.iso.datetime({ offset: true }).meta({
          description: 'Where it begins, as a clock of the zone shows it; it ends where the next one begins',
        }),
        started: count('Carts into which a first product was put then: the sum of the others'),
        bought: count('Of these, those that were bought'),
        abandoned: count('Those that were abandoned'),
        emptied: count('Those that were closed without a line'),
        open: count('Those that were not closed'),
      }),
    ),
  })
  .meta({ id: 'CartsSummary' });

/** `GET /carts/summary` */
export const cartsSummaryRoute = ({ store, questions }: Asked): Route =>
  route({
    method: 'get',
    path: '/carts/summary',
    summary: 'Carts by when they were started, and how they ended',
    description:
      'An item for each hour or day of the time zone, also where no cart was started. A cart counts from its first product on; ' +
      `it is open until it is closed, however long it is silent, and also while it is empty. ${COST}`,
    roles: ['business'],
    query: z.object({
      step: z.enum(CART_STEPS).default('day'),
      from: firstPoint('item'),
      to: instant().optional().meta({
        description:
          'Carts that were started before this, rounded down to a quarter hour; the As-Of where that is earlier, or where it is left out',
      }),
      asOf: instant().optional().meta({ description: 'As it was at a time, rounded down to a quarter hour' }),
      tz: timeZone,
    }),
    headers: consistencyHeaders,
    answers: { 200: { description: 'The items, in order', schema: summary, headers: freshnessHeaders } },
    problems: ['conflict', 'unavailable'],
    async handle(request) {
      const { from, to, asOf, step, tz } = request.query;
      requireOrder(request.query);
      const { value, headers, boughtSince } = await questions.readMany(request, async (client, present) => {
        const { points, asOfMs } = cartPoints({ from, to, asOf, step, zone: tz }, present);
        return { points, asOfMs, carts: await store.carts(client, points, asOfMs) };
      });
      const { points, asOfMs, carts } = value;
      return {
        status: 200,
        headers,
        body: {
          ...{ step, tz },
          from: timeOf(points.starts[0] ?? points.end),
          to: to || asOf ? timeOf(points.end) : headers['As-Of'],
          asOf: asOfMs === undefined ? headers['As-Of'] : timeOf(asOfMs),
          boughtSince,
          items: points.starts.map((start, n) => ({
            at: clockTime(start, tz),
            started: startedOf(carts[n]!),
            ...carts[n]!,
          })),
        },
      };
    },
  });
