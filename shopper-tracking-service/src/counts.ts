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

/** Counts of a product within a bucket of time; the total's bucket is 0. */
export type Row = {
  readonly bucket: number;
  readonly productId: string;
  /** In the order of the counters' declaration; by position, because writing by name is slower (P1 in bench/README.md). */
  readonly counts: readonly number[];
};

/** In the order of their buckets, and of their products within one. */
export type Tally = { readonly [S in Step | 'total']: readonly Row[] };

/**
 * Makes the function that sums a batch of events to one row for each product and bucket. The sums do not depend on how
 * events fall into batches. Events that concern no product are ignored, and so are minutes too old to be kept.
 */
export function createTally(counters: Counters): (events: readonly CartEvent[], now: Date) => Tally {
  const increments = Object.values(counters).map(({ increment }) => increment);
  return (events, now) => {
    const minutesFrom = oldestKeptMinute(now.getTime());
    const total = createSums();
    const [minute, quarter, hour, day] = [createSums(), createSums(), createSums(), createSums()];
    const add = (event: CountedEvent, line: ProductLine): void => {
      const { productId } = line;
      const timeMs = Date.parse(event.time);
      const counts = increments.map((increment) => increment(event, line));
      total.add(0, productId, counts);
      quarter.add(bucketOf(timeMs, 'quarter'), productId, counts);
      hour.add(bucketOf(timeMs, 'hour'), productId, counts);
      day.add(bucketOf(timeMs, 'day'), productId, counts);
      if (timeMs >= minutesFrom) minute.add(bucketOf(timeMs, 'minute'), productId, counts);
    };
    for (const event of events) {
      if (event.type === 'cart.shopper-forgotten') continue;
      if (event.type === 'cart.closed') for (const line of event.data.items ?? []) add(event, line);
      else add(event, event.data);
    }
    return {
      ...{ total: total.rows(), minute: minute.rows(), quarter: quarter.rows() },
      ...{ hour: hour.rows(), day: day.rows() },
    };
  };
}

export const tally = createTally(COUNTERS);

type GrowingRow = Omit<Row, 'counts'> & { readonly counts: number[] };

/** Rows grow in place, because copying them would take most of a follower's own time. */
function createSums() {
  const buckets = new Map<number, Map<string, GrowingRow>>();

  return {
    add(bucket: number, productId: string, counts: readonly number[]): void {
      let products = buckets.get(bucket);
      if (!products) {
        products = new Map();
        buckets.set(bucket, products);
      }
      const row = products.get(productId);
      if (!row) products.set(productId, { bucket, productId, counts: [...counts] });
      else for (let n = 0; n < counts.length; n += 1) row.counts[n]! += counts[n]!;
    },
    /** In the order in which every writer locks rows, so that no two writers deadlock. */
    rows: (): Row[] =>
      [...buckets]
        .sort(([a], [b]) => a - b)
        .flatMap(([, products]) => [...products.values()].sort(byProduct)),
  };
}

const byProduct = (a: Row, b: Row): number =>
  a.productId < b.productId ? -1 : Number(a.productId > b.productId);
