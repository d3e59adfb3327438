import { dataBytes } from '@micromart/events/data-bytes';
import type { NewEvent } from '@micromart/events/envelope';
import { isStorable } from '@micromart/text/storable';
import { z } from 'zod';
import { MAX_EVENT_BYTES } from './page.ts';

/**
 * The most bytes of UTF-8 that an event's type, subject and key may each have; a log refuses more. With MAX_EVENT_BYTES, it
 * keeps events small enough for a Kafka message, and keys for the indexes of those that follow.
 */
export const MAX_ATTRIBUTE_BYTES = 1_024;

const text = z
  .string()
  .min(1)
  .refine(isStorable, 'must have neither NUL nor lone surrogates')
  .refine(
    (text) => Buffer.byteLength(text) <= MAX_ATTRIBUTE_BYTES,
    `must take at most ${MAX_ATTRIBUTE_BYTES} bytes`,
  );

/** What the envelope (package events) and the log require of an event before it has a position. */
const loggable = z.object({
  type: text,
  subject: text,
  key: text,
  time: z.date(),
  data: z
    .unknown()
    .refine((data) => data !== undefined, 'must be there')
    .refine((data) => dataBytes(data) <= MAX_EVENT_BYTES, `must take at most ${MAX_EVENT_BYTES} bytes`),
});

/**
 * Throws if followers could not read one of these as an event, or part of it is too large; nothing of that change may be written
 * then.
 */
export function requireLoggable(events: readonly NewEvent[]): void {
  for (const event of events) {
    const { error } = loggable.safeParse(event);
    if (error) throw new Error(`an event cannot be logged: ${z.prettifyError(error)}`);
  }
}
