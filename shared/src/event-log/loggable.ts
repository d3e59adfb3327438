import { z } from 'zod';
import type { NewEvent } from '../contracts/envelope.ts';
import { isStorable } from '../text/storable.ts';

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
