import type { CartEvent } from '@micromart/contracts/cart-events';
import { bucketOf, oldestKeptMinute, type Step } from './buckets.ts';

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

/** In the order of their buckets, and of their products within one. */
export type Tally = { readonly [S in Step | 'total']: readonly Row[] };

/** How often a product was taken out again, from 0 to 1; 0 where it was never put in. */
export const removalRatio = ({ added, removed }: Counts): number => (added === 0 ? 0 : removed / added);

/**
 * Sums a batch of events to one row for each product and bucket. Sums do not depend on how events fall into batches.
 * Events that move no product count nothing, and minutes that are too old to be kept are left out.
 */
export function tally(events: readonly CartEvent[], now: Date): Tally {
  const minutesFrom = oldestKeptMinute(now.getTime());
  const [total, minute, hour, day] = [createSums(), createSums(), createSums(), createSums()];
  for (const { type, time, data } of events) {
    if (type !== 'cart.item-added' && type !== 'cart.item-removed') continue;
    const added = type === 'cart.item-added';
    const timeMs = Date.parse(time);
    total.add(0, data, added);
    hour.add(bucketOf(timeMs, 'hour'), data, added);
    day.add(bucketOf(timeMs, 'day'), data, added);
    if (timeMs >= minutesFrom) minute.add(bucketOf(timeMs, 'minute'), data, added);
  }
  return { total: total.rows(), minute: minute.rows(), hour: hour.rows(), day: day.rows() };
}

type Growing = { -readonly [K in keyof Row]: Row[K] };
type Moved = { readonly productId: string; readonly quantity: number };

/** Rows that grow in place: most of a follower's own time would otherwise go into copies of them. */
function createSums() {
  const buckets = new Map<number, Map<string, Growing>>();

  function rowOf(bucket: number, productId: string): Growing {
    let products = buckets.get(bucket);
    if (!products) {
      products = new Map();
      buckets.set(bucket, products);
    }
    let row = products.get(productId);
    if (!row) {
      row = { bucket, productId, ...NOTHING };
      products.set(productId, row);
    }
    return row;
  }

  return {
    add(bucket: number, { productId, quantity }: Moved, added: boolean): void {
      const row = rowOf(bucket, productId);
      if (added) {
        row.added += 1;
        row.unitsAdded += quantity;
      } else {
        row.removed += 1;
        row.unitsRemoved += quantity;
      }
    },
    /** In one order everywhere, so that two writers never wait for each other in a circle. */
    rows: (): Row[] =>
      [...buckets]
        .sort(([a], [b]) => a - b)
        .flatMap(([, products]) => [...products.values()].sort(byProduct)),
  };
}

const byProduct = (a: Row, b: Row): number =>
  a.productId < b.productId ? -1 : Number(a.productId > b.productId);
