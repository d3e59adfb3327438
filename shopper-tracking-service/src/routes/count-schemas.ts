/** The shapes of what shopper tracking answers, and of its lists' sort keys, derived from the declared counters. */
import { z } from 'zod';
import { COUNTERS, type Counters, namesOf } from '../counters.ts';
import { sortsOf } from '../list.ts';
import { type RatioName, ratiosOf } from '../ratios.ts';
import { SERIES_STEPS } from '../series.ts';

export const boughtSince = z.iso
  .datetime()
  .nullable()
  .meta({
    description:
      'From when on all carts that were closed are counted with what was in them: the start of a quarter hour, 1970 where that ' +
      'is so from the first event on. Events from before cart.closed carried lines do not say what was in the cart. Null until ' +
      'a rebuild, where counting began before carts were counted',
  });

/** A field for each counter. */
const counterFields = <Name extends string>(counters: Counters<Name>) =>
  Object.fromEntries(
    namesOf(counters).map((name) => [name, z.int().meta({ description: counters[name].description })]),
  ) as Record<Name, z.ZodInt>;

/** A field for each ratio of them. */
function ratioFields(names: readonly string[]) {
  const fields = {} as Record<RatioName, z.ZodNumber | z.ZodNullable<z.ZodNumber>>;
  for (const [name, { description, ofNothing }] of ratiosOf(names)) {
    fields[name] = (ofNothing === null ? z.number().nullable() : z.number()).meta({ description });
  }
  return fields;
}

export function createCountSchemas<Name extends string>(counters: Counters<Name>) {
  const counted = counterFields(counters);
  const fields = { productId: z.string(), ...counted };
  const ratios = ratioFields(namesOf(counters));
  const lines = Object.fromEntries(namesOf(counters).map((name) => [name, z.array(z.int())])) as Record<
    Name,
    z.ZodArray<z.ZodInt>
  >;
  const sorts = sortsOf(namesOf(counters));
  return {
    counts: z
      .object({
        ...fields,
        boughtSince,
        asOf: z.iso.datetime().meta({
          description:
            'What was committed before it is included; of a past time, the bucket that the smaller of it and the As-Of was rounded down to',
        }),
      })
      .meta({ id: 'Counts' }),

    changed: z
      .object({
        ...fields,
        asOf: z.iso.datetime().meta({ description: 'What was committed before it is included' }),
      })
      .meta({ id: 'ChangedCounts' }),

    page: z.object({
      items: z.array(
        z.object({
          ...fields,
          ...ratios,
          name: z.string().optional().meta({ description: 'As the catalog said it lately' }),
          previous: z
            .object({
              ...counted,
              ...ratios,
              rank: z
                .int()
                .nullable()
                .meta({ description: 'Its place in the list, from 1 on; null where it was not on it' }),
            })
            .optional()
            .meta({ description: 'Where `compare` was asked for: how it stood in the window before' }),
          spark: z
            .object(lines)
            .optional()
            .meta({ description: 'Where `spark` was asked for: a number for each of `days`' }),
        }),
      ),
      next: z.string().nullable(),
      boughtSince,
      from: z.iso.datetime().optional().meta({
        description: 'Where the window begins, rounded down; left out where it begins with the first event',
      }),
      to: z.iso
        .datetime()
        .optional()
        .meta({
          description:
            'Where it ends, rounded down and never later than As-Of. Where `to` was not asked for, the As-Of: then all ' +
            'that is included is counted, as in a list without a window; with `compare`, what was before it, rounded down',
        }),
      compared: z
        .object({ from: z.iso.datetime(), to: z.iso.datetime() })
        .optional()
        .meta({ description: 'The window of `previous`, its ends rounded down to what is kept' }),
      days: z
        .array(z.iso.datetime({ offset: true }))
        .optional()
        .meta({ description: 'Where the days of `spark` begin, as a clock of the time zone shows it' }),
      names: z.enum(['all', 'first', 'unavailable']).optional().meta({
        description:
          'Where `q` was asked for, which names were searched: all, the first thousand by id that match, or none because the catalog is away',
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

export const { counts, changed, page, series, sort } = createCountSchemas(COUNTERS);
