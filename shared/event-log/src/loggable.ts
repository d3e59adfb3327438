import type { NewEvent } from '@micromart/events/envelope';
import { isStorable } from '@micromart/text/storable';
import { z } from 'zod';

const text = z.string().min(1).refine(isStorable, 'must have neither NUL nor lone surrogates');

/** What the envelope asks of an event (contracts/envelope.ts), before it has a place. */
const loggable = z.object({
  type: text,
  subject: text,
  key: text,
  time: z.date(),
  data: z.unknown().refine((data) => data !== undefined, 'must be there'),
});

/** Throws where one of these could not be read as an event: nobody may write what followers would stumble over. */
export function requireLoggable(events: readonly NewEvent[]): void {
  for (const event of events) {
    const { error } = loggable.safeParse(event);
    if (error) throw new Error(`an event cannot be logged: ${z.prettifyError(error)}`);
  }
}
