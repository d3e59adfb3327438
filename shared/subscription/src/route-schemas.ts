/** The shapes of what is asked and answered about subscriptions. */
import { z } from 'zod';

/** The longest name of a subscription in a request. */
export const MAX_NAME = 200;

const time = z.iso.datetime();

export const subscriptionSchema = z.object({
  name: z.string(),
  state: z.enum(['starting', 'running', 'standby', 'waiting', 'paused', 'stopped']),
  reason: z
    .string()
    .nullable()
    .meta({ description: 'Why it is stopped, or makes no progress although nobody stopped it.' }),
  leader: z
    .boolean()
    .meta({ description: 'Whether the instance that answers is the leader. One instance is.' }),
  assigned: z
    .array(z.int())
    .nullable()
    .meta({ description: 'The partitions that a broker has assigned to this instance; null without one.' }),
  log: z.string().nullable(),
  lagEvents: z.int(),
  lagMs: z.int().nullable(),
  parked: z.int(),
  partitions: z.array(
    z.object({
      partition: z.int(),
      position: z.int(),
      head: z.int(),
      lagEvents: z.int(),
      lagMs: z.int().nullable(),
      asOf: time.nullable(),
      parked: z.int(),
      state: z.enum(['current', 'behind']),
    }),
  ),
});

export const subscriptionName = z.object({ name: z.string().max(MAX_NAME) });
