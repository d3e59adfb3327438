/**
 * Whose fault an error is. Only what an event's own handling threw can be held against the event, and not even that when
 * it says that the database was in trouble: an event that is parked for an outage would be missing for nothing.
 */

import { isAway } from '../postgres/failure.ts';
import { toStorable } from '../text/storable.ts';

/** An event could not be handled, and it, or one of its batch, is to blame. The message is the reason, fit to store. */
export class EventFault extends Error {
  override readonly name = 'EventFault';
  constructor(cause: unknown) {
    super(reasonOf(cause), { cause });
  }
}

const MAX_REASON_LENGTH = 500;

/**
 * The database's own trouble besides being away: read-only after a fail-over (25006), a transaction that was idle for too
 * long because this process was frozen (25P03, 25P04), a refused login (28), no such database (3D), a failing disk (58)
 * or server (XX). Nor is it an event's fault that the fence refused its batch (SF, fence.ts).
 */
const TROUBLE = /^(25006|25P0[34]|28...|3D...|58...|XX...|SF...)$/;

/** Runs what a service does with events; throws EventFault for what it throws, unless that is the database's trouble. */
export async function handling<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isTrouble(error) ? error : new EventFault(error);
  }
}

const isTrouble = (error: unknown): boolean =>
  isAway(error) || TROUBLE.test(String((error as { code?: unknown } | null)?.code));

const reasonOf = (error: unknown): string =>
  toStorable((error instanceof Error && error.message) || String(error), MAX_REASON_LENGTH);
