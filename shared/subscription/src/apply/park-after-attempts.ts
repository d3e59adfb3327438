/** Applies a batch as far as its events let it: the event at fault is found, tried again alone, and parked. */
import { setTimeout as sleep } from 'node:timers/promises';
import { TooManyParked } from './apply-batch.ts';
import type { Item } from './batch-item.ts';
import { EventFault } from './event-fault.ts';

/** Between two attempts to apply an event that fails alone. */
const ATTEMPT_PAUSE_MS = 20;

/**
 * Makes the function that applies items in order by `applyOnce`, all in one transaction if it can. While they fail by an
 * event's fault it halves them, until each event at fault is alone. That one is tried `attempts` times in all and then
 * parked. Throws what `applyOnce` throws for any other reason, `TooManyParked` among it: the items before are applied then.
 */
export function createParkAfterAttempts<E>({
  applyOnce,
  attempts,
}: {
  applyOnce: (items: readonly Item<E>[]) => Promise<void>;
  attempts: number;
}): (items: readonly Item<E>[]) => Promise<void> {
  async function applyAlone(item: Item<E>, first: Error): Promise<void> {
    let error = first;
    for (let tried = 1; tried < attempts && error instanceof EventFault; tried += 1) {
      await sleep(ATTEMPT_PAUSE_MS);
      try {
        return await applyOnce([item]);
      } catch (again) {
        error = again as Error;
      }
    }
    if (!(error instanceof EventFault)) throw error;
    await applyOnce([{ event: item.event, fault: { reason: error.message, attempts } }]);
  }

  return async function applyAll(items) {
    try {
      await applyOnce(items);
    } catch (error) {
      if (!(error instanceof EventFault || error instanceof TooManyParked)) throw error;
      if (items.length === 1) return applyAlone(items[0]!, error);
      const middle = Math.ceil(items.length / 2);
      await applyAll(items.slice(0, middle));
      await applyAll(items.slice(middle));
    }
  };
}
