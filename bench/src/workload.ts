/** The cart events that followers are measured with: the same ones in every run, popular products more often. */
import { createHash } from 'node:crypto';
import type { CartEvent } from '@micromart/contracts/cart-events';
import { PARTITIONS, partitionOf } from '@micromart/events/partition';

export const LOG = 'cart-00000000';
const PRODUCTS = 5_000;
const CARTS = 2_000;
const EVENTS_PER_SECOND = 100;
const REMOVED_SHARE = 0.25;
const MAX_QUANTITY = 5;
const SEED = 20_261_101;

/** By partition, dense and in order, as the owner's log holds them. */
export type Workload = {
  readonly partitions: readonly (readonly CartEvent[])[];
  readonly events: number;
  readonly totals: Totals;
};

export type Totals = { added: number; removed: number; unitsAdded: number; unitsRemoved: number };

/**
 * `count` events of 2,000 carts, a hundred in each second up to `end`; a product's share falls with its rank (Zipf). The
 * totals are what any right answer sums up to.
 */
export function createWorkload(count: number, end: Date): Workload {
  const partitions: CartEvent[][] = Array.from({ length: PARTITIONS }, () => []);
  const totals = { added: 0, removed: 0, unitsAdded: 0, unitsRemoved: 0 };
  const carts = Array.from({ length: CARTS }, (_, n) => uuidOf(`cart ${n}`));
  const draw = draws(SEED);
  const product = zipf(PRODUCTS);
  for (let n = 0; n < count; n += 1) {
    const cartId = carts[Math.floor(draw() * CARTS)]!;
    const partition = partitionOf(cartId, PARTITIONS);
    const quantity = 1 + Math.floor(draw() * MAX_QUANTITY);
    const removed = draw() < REMOVED_SHARE;
    if (removed) {
      totals.removed += 1;
      totals.unitsRemoved += quantity;
    } else {
      totals.added += 1;
      totals.unitsAdded += quantity;
    }
    const events = partitions[partition]!;
    events.push({
      specversion: '1.0',
      id: uuidOf(`event ${n}`),
      source: '/cart',
      type: removed ? 'cart.item-removed' : 'cart.item-added',
      subject: cartId,
      time: new Date(end.getTime() - ((count - n) * 1_000) / EVENTS_PER_SECOND).toISOString(),
      datacontenttype: 'application/json',
      partitionkey: cartId,
      partition,
      sequence: String(events.length + 1),
      data: {
        cartId,
        shopper: cartId,
        productId: String(1_000_000 + product(draw())),
        quantity,
        cartVersion: 1,
      },
    });
  }
  return { partitions, events: count, totals };
}

/** A UUID (version 4 in form) that is the same for the same text. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function draws(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Turns a number from 0 to 1 into a rank, the n-th with a share of 1/n. */
function zipf(ranks: number): (draw: number) => number {
  const sums = new Float64Array(ranks);
  let sum = 0;
  for (let n = 0; n < ranks; n += 1) {
    sum += 1 / (n + 1);
    sums[n] = sum;
  }
  return (draw) => {
    const wanted = draw * sum;
    let [low, high] = [0, ranks - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
