/** The shapes of what shopper tracking answers, and of its lists' sort keys, derived from the declared counters. */
import { z } from 'zod';
import { COUNTERS, type Counters, namesOf } from '../counters.ts';
import { sortsOf } from '../list.ts';

/** A field for each counter. */
const counterFields = <Name extends string>(counters: Counters<Name>) =>
  Object.fromEntries(
    namesOf(counters).map((name) => [name, z.int().meta({ description: counters[name].description })]),
  ) as Record<Name, z.ZodInt>;

export function createCountSchemas<Name extends string>(counters: Counters<Name>) {
  const fields = { productId: z.string(), ...counterFields(counters) };
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

    /** Ascending, or with a `-` before it descending. */
    sort: z.enum([...sorts, ...sorts.map((name) => `-${name}` as const)]),
  };
}

export const { counts, page, sort } = createCountSchemas(COUNTERS);
