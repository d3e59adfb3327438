/** The shapes of what is asked and answered about rebuilds. */
import { z } from 'zod';

const time = z.iso.datetime();
const MAX_BYTES = Number.MAX_SAFE_INTEGER;

export const rebuildOrder = z
  .strictObject({
    maxBytes: z
      .int()
      .min(0)
      .max(MAX_BYTES)
      .optional()
      .meta({ description: 'The room that there is: where it takes more, nothing is begun.' }),
  })
  .optional();

export const acceptance = z
  .strictObject({
    acceptDifferences: z
      .boolean()
      .optional()
      .meta({ description: 'Also where the generations differ, or count different logs.' }),
  })
  .optional();

const counts = z.record(z.string(), z.int());

const exception = z.object({
  generation: z.string().meta({ description: 'Where it is not counted.' }),
  partition: z.int(),
  sequence: z.int(),
  reason: z.string(),
});

const comparisonSchema = z.object({
  with: z.string().meta({ description: 'The generation that was live.' }),
  at: time,
  position: z.string().nullable().meta({ description: 'Where both stood when they were compared.' }),
  otherHistory: z.string().nullable().meta({
    description: 'Why they could not stand at the same positions: differences are to be expected then.',
  }),
  rows: z.int(),
  differing: z.int(),
  listed: z
    .array(
      z.object({ table: z.string(), key: z.record(z.string(), z.string()), live: counts, other: counts }),
    )
    .meta({ description: 'The first rows that differ, with what differs in each.' }),
  newCounters: z
    .array(z.string())
    .meta({ description: 'What only one of them has counted from the first event on; not compared.' }),
  leftOut: z.array(z.string()).meta({ description: 'Tables that time sweeps; not compared.' }),
  parked: z.array(exception).meta({ description: 'Events that only one of them has parked.' }),
  discarded: z
    .array(exception)
    .meta({ description: 'Events that were discarded in one of them after the other was begun.' }),
});

export const rebuildSchema = z.object({
  id: z.string(),
  model: z.string(),
  state: z.enum(['creating', 'building', 'ready', 'dropping', 'dropped']),
  live: z.boolean().meta({ description: 'Whether answers come from it.' }),
  shape: z.int().meta({ description: 'What its events are counted by; see docs/adding-a-counter.md.' }),
  log: z.string().nullable(),
  requestedBy: z.string().nullable(),
  requestedAt: time,
  liveSince: time.nullable().meta({ description: 'When it became live, the last time.' }),
  predecessor: z
    .string()
    .nullable()
    .meta({ description: 'What was live before it: where switching back leads.' }),
  roomBytes: z
    .int()
    .nullable()
    .meta({ description: 'How much room it takes, as estimated when it was begun.' }),
  events: z.object({
    applied: z.int(),
    total: z.int().meta({ description: 'How many the owner has, as far as is known.' }),
  }),
  eventsPerS: z.number().nullable(),
  secondsLeft: z.int().nullable().meta({ description: 'Until it has caught up, at this rate.' }),
  reason: z.string().nullable().meta({ description: 'Why it does not get further, where it does not.' }),
  comparison: comparisonSchema.nullable(),
});

export const rebuildsSchema = z.object({
  items: z.array(rebuildSchema),
  next: z.null(),
  room: z.object({
    neededBytes: z.int().meta({ description: 'How much a further generation takes, about.' }),
  }),
});
