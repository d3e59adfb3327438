import { dataBytes } from '@micromart/events/data-bytes';
import type { NewEvent } from '@micromart/events/envelope';
import { isStorable } from '@micromart/text/storable';
import { z } from 'zod';
import { MAX_EVENT_BYTES } from './page.ts';

const text = z.string().min(1).refine(isStorable, 'must have neither NUL nor lone surrogates');

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
 * Throws if followers could not read one of these as an event, or it is too large; nothing of that change may be written
 * then.
 */
export function requireLoggable(events: readonly NewEvent[]): void {
  for (const event of events) {
    const { error } = loggable.safeParse(event);
    if (error) throw new Error(`an event cannot be logged: ${z.prettifyError(error)}`);
  }
}
