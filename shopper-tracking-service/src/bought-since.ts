/** From when on it is known what was in the carts that were closed. */
import type { CartEvent } from '@micromart/contracts/cart-events';
import { bucketOf, STEP_MS } from './buckets.ts';
import { CLOSES_SINCE } from './shape.ts';

/**
 * The start of the first quarter hour after all closes of a batch that do not say what was in the cart, as older events do
 * not; undefined where all do. Windows begin with a quarter hour, so one that begins then has none of those closes.
 */
export function linesCompleteFrom(events: readonly CartEvent[]): number | undefined {
  const times = events.flatMap((event) =>
    event.type === 'cart.closed' && !event.data.items ? Date.parse(event.time) : [],
  );
  if (times.length === 0) return undefined;
  return bucketOf(Math.max(...times), 'quarter') + STEP_MS.quarter;
}

/**
 * From when on closes are completely counted in a generation of this shape, RFC 3339: 1970 where all of them are; null where
 * that is not known, because the generation was begun before closes were counted. `completeFrom` is in milliseconds, or
 * -Infinity.
 */
export function boughtSince(shape: number, completeFrom: number): string | null {
  if (shape < CLOSES_SINCE) return null;
  return new Date(Math.max(completeFrom, 0)).toISOString();
}
