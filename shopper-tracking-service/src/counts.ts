import type { CartEvent } from '@micromart/shared/contracts/cart-events';
import { bucketOf, oldestMinute, type Step } from './buckets.ts';

/** What happened to a product: how many events put it into carts and took it out, and how many units they moved. */
export type Counts = {
  readonly added: number;
  readonly removed: number;
  readonly unitsAdded: number;
  readonly unitsRemoved: number;
};

export const NOTHING: Counts = { added: 0, removed: 0, unitsAdded: 0, unitsRemoved: 0 };

/** Counts of a product within a bucket of time; the total's bucket is 0. */
export type Row = Counts & { readonly bucket: number; readonly productId: string };

export type Tally = { readonly [S in Step | 'total']: readonly Row[] };

/** How often a product was taken out again, from 0 to 1; 0 where it was never put in. */
export const removalRatio = ({ added, removed }: Counts): number => (added === 0 ? 0 : removed / added);

const plus = (a: Counts, b: Counts): Counts => ({
  added: a.added + b.added,
  removed: a.removed + b.removed,
  unitsAdded: a.unitsAdded + b.unitsAdded,
  unitsRemoved: a.unitsRemoved + b.unitsRemoved,
});

/** What one event adds to its product's counters; undefined for events that move no product. */
function countsOf(event: CartEvent): Counts | undefined {
  switch (event.type) {
    case 'cart.item-added':
      return { ...NOTHING, added: 1, unitsAdded: event.data.quantity };
    case 'cart.item-removed':
      return { ...NOTHING, removed: 1, unitsRemoved: event.data.quantity };
    default:
      return undefined;
  }
}

/**
 * Sums a batch of events to one row for each product and bucket. Sums do not depend on how events fall into batches.
 * Minutes that are too old to be kept are left out.
 */
export function tally(events: readonly CartEvent[], now: Date): Tally {
  const minutesFrom = oldestMinute(now.getTime());
  const sums = { total: new Map<string, Row>(), minute: new Map(), hour: new Map(), day: new Map() };
  for (const event of events) {
    const counts = countsOf(event);
    if (!counts || !('productId' in event.data)) continue;
    const { productId } = event.data;
    const timeMs = Date.parse(event.time);
    addTo(sums.total, 0, productId, counts);
    addTo(sums.hour, bucketOf(timeMs, 'hour'), productId, counts);
    addTo(sums.day, bucketOf(timeMs, 'day'), productId, counts);
    if (timeMs >= minutesFrom) addTo(sums.minute, bucketOf(timeMs, 'minute'), productId, counts);
  }
  return {
    total: sorted(sums.total),
    minute: sorted(sums.minute),
    hour: sorted(sums.hour),
    day: sorted(sums.day),
  };
}

function addTo(sums: Map<string, Row>, bucket: number, productId: string, counts: Counts): void {
  const key = `${bucket} ${productId}`;
  const row = sums.get(key);
  sums.set(key, { bucket, productId, ...plus(row ?? NOTHING, counts) });
}

/** Rows are written in one order everywhere, so that two writers never wait for each other in a circle. */
const sorted = (sums: Map<string, Row>): Row[] =>
  [...sums.values()].sort(
    (a, b) => a.bucket - b.bucket || (a.productId < b.productId ? -1 : Number(a.productId > b.productId)),
  );
