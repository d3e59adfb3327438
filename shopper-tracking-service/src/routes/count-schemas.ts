/** The shapes of what shopper tracking answers, and of its lists' sort keys, derived from the declared counters. */
import { z } from 'zod';
import { COUNTERS, type Counters, namesOf } from '../counters.ts';
import { sortsOf } from '../list.ts';
import { SERIES_STEPS } from '../series.ts';

/** A field for each counter. */
const counterFields = <Name extends string>(counters: Counters<Name>) =>
  Object.fromEntries(
    namesOf(counters).map((name) => [name, z.int().meta({ description: counters[name].description })]),
  ) as Record<Name, z.ZodInt>;

export function createCountSchemas<Name extends string>(counters: Counters<Name>) {
  const counted = counterFields(counters);
  const fields = { productId: z.string(), ...counted };
  const sorts = sortsOf(namesOf(counters));
  return {
    counts: z
      .object({
        ...fields,
        asOf: z.iso.datetime().meta({
          description:
            'What was committed before it is included; of a past time, the bucket that the smaller of it and the As-Of was rounded down to',
        }),
      })
      .meta({ id: 'Counts' }),

    page: z.object({
      items: z.array(
        z.object({ ...fields, removalRatio: z.number().meta({ description: 'removed / added' }) }),
      ),
      next: z.string().nullable(),
      from: z.iso.datetime().optional().meta({
        description: 'Where the window begins, rounded down; left out where it begins with the first event',
      }),
      to: z.iso
        .datetime()
        .optional()
        .meta({
          description:
            'Where it ends, rounded down and never later than As-Of. Where `to` was not asked for, the As-Of: then all ' +
            'that is included is counted, as in a list without a window',
        }),
    }),

    series: z.object({
      productId: z.string(),
      step: z.enum(SERIES_STEPS),
      tz: z.string().meta({ description: 'The time zone' }),
      from: z.iso.datetime().meta({ description: 'Where the first point begins' }),
      to: z.iso.datetime().meta({
        description:
          'Where the last point ends, never later than As-Of. Where `to` was not asked for, the As-Of: then the last point ' +
          'has all that is included of its minute, hour or day',
      }),
      points: z.array(
        z.object({
          at: z.iso.datetime({ offset: true }).meta({
            description:
              'Where it begins, as a clock of the zone shows it; it ends where the next one begins',
          }),
          ...counted,
        }),
      ),
    }),

    /** Ascending, or with a `-` before it descending. */
    sort: z.enum([...sorts, ...sorts.map((name) => `-${name}` as const)]),
  };
}

export const { counts, page, series, sort } = createCountSchemas(COUNTERS);
