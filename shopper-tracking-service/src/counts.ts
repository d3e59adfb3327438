import type { CartEvent } from '@micromart/contracts/cart-events';
import { bucketOf, oldestKeptMinute, type Step } from './buckets.ts';
import {
  COUNTER_NAMES,
  COUNTERS,
  type CountedEvent,
  type CounterName,
  type Counters,
  type ProductLine,
} from './counters.ts';

/** What the counters of a product stand at. */
export type Counts = { readonly [N in CounterName]: number };

export const zerosOf = (names: readonly string[]): Counts =>
  Object.fromEntries(names.map((name) => [name, 0])) as Counts;

export const NOTHING = zerosOf(COUNTER_NAMES);

/** What a batch adds to the counters of a product. */
export type Sum = {
  readonly productId: string;
  /** In the order of the counters' declaration; by position, because writing by name is slower (P1 in bench/README.md). */
  readonly counts: readonly number[];
};

/** Sums within a bucket of time, in the order of their products. */
export type BucketOfSums = { readonly bucket: number; readonly sums: readonly Sum[] };

/**
 * Sums by the buckets of each step, in their order, and in total. A bucket with all that was counted has the total's own
 * array, so that it need not be written twice.
 */
export type Tally = { readonly [S in Step]: readonly BucketOfSums[] } & { readonly total: readonly Sum[] };

/**
 * Makes the function that sums a batch of events by product and bucket: by the finest that are kept, of which the others are
 * made. The sums do not depend on how events fall into batches. Events that concern no product are ignored, and so are
 * minutes too old to be kept. Sums are in the order in which every writer locks rows, so that no two writers deadlock.
 */
export function createTally(counters: Counters): (events: readonly CartEvent[], now: Date) => Tally {
  const increments = Object.values(counters).map(({ increment }) => increment);
  return (events, now) => {
    const minutesFrom = oldestKeptMinute(now.getTime());
    const [older, minutes] = [createBuckets(), createBuckets()];
    const add = (event: CountedEvent, line: ProductLine): void => {
      const timeMs = Date.parse(event.time);
      const counts = increments.map((increment) => increment(event, line));
      if (timeMs >= minutesFrom) minutes.add(bucketOf(timeMs, 'minute'), line.productId, counts);
      else older.add(bucketOf(timeMs, 'quarter'), line.productId, counts);
    };
    for (const event of events) {
      if (event.type === 'cart.shopper-forgotten') continue;
      if (event.type === 'cart.closed') for (const line of event.data.items ?? []) add(event, line);
      else add(event, event.data);
    }
    const minute = minutes.inOrder();
    const quarter = coarser([...older.inOrder(), ...minute], 'quarter');
    const hour = coarser(quarter, 'hour');
    const day = coarser(hour, 'day');
    return { ...{ minute, quarter, hour, day }, total: addedUp(day) };
  };
}

export const tally = createTally(COUNTERS);

/** Made of finer buckets, which are in order. */
function coarser(buckets: readonly BucketOfSums[], step: Step): BucketOfSums[] {
  const parts = new Map<number, BucketOfSums[]>();
  for (const one of buckets) {
    const bucket = bucketOf(one.bucket, step);
    const others = parts.get(bucket);
    if (others) others.push(one);
    else parts.set(bucket, [one]);
  }
  return [...parts].map(([bucket, some]) => ({ bucket, sums: addedUp(some) }));
}

/** Of one bucket its own array. */
function addedUp(buckets: readonly BucketOfSums[]): readonly Sum[] {
  if (buckets.length === 1) return buckets[0]!.sums;
  const all = createSums();
  for (const { sums } of buckets) for (const { productId, counts } of sums) all.add(productId, counts);
  return all.inOrder();
}

function createBuckets() {
  const buckets = new Map<number, ReturnType<typeof createSums>>();

  return {
    add(bucket: number, productId: string, counts: readonly number[]): void {
      let sums = buckets.get(bucket);
      if (!sums) {
        sums = createSums();
        buckets.set(bucket, sums);
      }
      sums.add(productId, counts);
    },
    inOrder: (): BucketOfSums[] =>
      [...buckets].sort(([a], [b]) => a - b).map(([bucket, sums]) => ({ bucket, sums: sums.inOrder() })),
  };
}

/** Sums grow in place, because copying them would take most of a follower's own time. */
function createSums() {
  const products = new Map<string, { readonly productId: string; readonly counts: number[] }>();

  return {
    add(productId: string, counts: readonly number[]): void {
      const sum = products.get(productId);
      if (!sum) products.set(productId, { productId, counts: [...counts] });
      else for (let n = 0; n < counts.length; n += 1) sum.counts[n]! += counts[n]!;
    },
    inOrder: (): Sum[] => [...products.values()].sort(byProduct),
  };
}

const byProduct = (a: Sum, b: Sum): number =>
  a.productId < b.productId ? -1 : Number(a.productId > b.productId);
