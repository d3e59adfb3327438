/** The shapes of what is asked and answered about parked events. */
import { z } from 'zod';
import { MAX_NAME } from '../route-schemas.ts';

const MAX_KEY = 10_000;
const MAX_REASON = 500;

const time = z.iso.datetime();

export const parkedSchema = z.object({
  id: z.string(),
  subscription: z
    .string()
    .meta({ description: 'The subscription, and so the generation, that has it parked.' }),
  partition: z.int(),
  sequence: z.int(),
  key: z.string(),
  event: z.unknown(),
  reason: z.string(),
  attempts: z.int(),
  state: z.enum(['parked', 'retried', 'discarded']),
  parkedAt: time,
  resolvedAt: time.nullable(),
  resolvedBy: z.string().nullable(),
});

export const releasedSchema = z.object({
  applied: z.int().meta({ description: 'How many events of the key were applied.' }),
  parked: z.int().meta({ description: 'How many events of the key are still parked.' }),
  reason: z.string().nullable().meta({ description: 'Why the first of those could not be applied.' }),
});

export const parkedId = z.object({ id: z.string().regex(/^[1-9][0-9]{0,17}$/, 'the id of a parked event') });
const subscription = z.string().max(MAX_NAME).optional().meta({
  description: 'Of another generation; left out: of those that answers come from',
});
const key = z.string().max(MAX_KEY).meta({ description: 'The key of a chain, in whatever partition.' });
const reason = z
  .string()
  .min(1)
  .max(MAX_REASON)
  .meta({ description: 'How the reason begins for which the first event of a chain is parked.' });

/** A slip must not resolve everything, so "all" is said. */
export const manySchema = z.union(
  [
    z.strictObject({ subscription, key, reason: reason.optional() }),
    z.strictObject({ subscription, reason }),
    z.strictObject({ subscription, all: z.literal(true) }),
  ],
  { error: 'must name a "key", a "reason" or both, or have "all": true and neither of them' },
);

export const resolvedManySchema = z.object({
  applied: z.int().meta({ description: 'How many events were applied.' }),
  discarded: z.int().meta({ description: 'How many events were given up for good.' }),
  parked: z.int().meta({ description: 'How many events are still parked in chains that the request names.' }),
  more: z.boolean().meta({
    description: 'Whether the time was over before all chains were tried: then repeat the request.',
  }),
});

export const parkedQueried = subscription;
