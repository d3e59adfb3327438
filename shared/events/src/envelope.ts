import { z } from 'zod';

/**
 * The envelope of every event: CloudEvents 1.0 in its JSON format, with the `sequence`, `partitionkey` and
 * distributed-tracing (`traceparent`) extensions, and `partition`, the log's partition that `sequence` counts in.
 *
 * `sequence` is a decimal string (as its extension asks), dense and starting at "1" within a log's partition.
 * Parsing drops attributes that are not named here, so a producer may add some.
 */
export const envelope = z.object({
  specversion: z.literal('1.0'),
  id: z.uuid(),
  source: z.string().min(1),
  type: z.string().min(1),
  subject: z.string().min(1),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json'),
  partitionkey: z.string().min(1),
  partition: z.int().min(0),
  sequence: z
    .string()
    .regex(/^[1-9][0-9]{0,17}$/, 'a decimal number from 1')
    .refine((text) => Number.isSafeInteger(Number(text)), 'must be below 2^53'),
  traceparent: z.string().optional(),
  data: z.unknown(),
});

/** An event as a log stores and publishes it: the envelope around the producer's `data`. */
export type LoggedEvent = z.infer<typeof envelope>;

/**
 * A log entry with a valid position whose envelope is not valid. A valid key or time in it still counts.
 */
export type MalformedEvent = Pick<LoggedEvent, 'partition' | 'sequence'> & {
  /** Empty if the entry has no valid one. */
  readonly partitionkey: string;
  readonly time?: string | undefined;
  /** The value as it was received. */
  readonly raw: unknown;
  /** What is wrong with it, for people. */
  readonly fault: string;
};

/** An entry of another service's log. */
export type ReceivedEvent = LoggedEvent | MalformedEvent;

export const isMalformed = (event: ReceivedEvent): event is MalformedEvent => 'fault' in event;

const position = envelope.pick({ partition: true, sequence: true });
const keyAndTime = z.object({
  partitionkey: envelope.shape.partitionkey.catch(''),
  time: envelope.shape.time.optional().catch(undefined),
});

/**
 * Reads a received value as an event. If its envelope is not valid, the result is malformed, and affects only its key, or
 * only its position if it has no key. Throws if it has no valid position, because then nobody knows what it stands for.
 */
export function readEvent(raw: unknown): ReceivedEvent {
  const event = envelope.safeParse(raw);
  if (event.success) return event.data;
  const at = position.safeParse(raw);
  if (!at.success) throw new Error(`an event has no valid position: ${z.prettifyError(at.error)}`);
  const fault = `its envelope is not valid: ${z.prettifyError(event.error)}`;
  return { ...at.data, ...keyAndTime.parse(raw), raw, fault };
}

/** An event before the log has given it a position: what a pure decision returns. */
export type NewEvent = {
  readonly type: string;
  readonly subject: string;
  /** Decides the partition; events of one key stay in order. */
  readonly key: string;
  readonly time: Date;
  readonly data: unknown;
};
