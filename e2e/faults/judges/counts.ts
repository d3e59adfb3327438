import type { Evidence } from '../evidence/evidence.ts';
import { NO_COUNTERS } from '../load/history.ts';
import { createRecount, formatCounters, sameCounters } from './recount.ts';

/** In the end the counters of each read model equal a recount of the log, product by product: difference zero. */
export function judgeCounts({ log, counters }: Evidence): string[] {
  const recount = createRecount(log);
  return counters.flatMap((one) =>
    [...new Set([...recount.products, ...one.keys()])].flatMap((productId) => {
      const counted = one.get(productId) ?? NO_COUNTERS;
      const expected = recount.counters(productId);
      return sameCounters(counted, expected)
        ? []
        : [`${productId} is counted ${formatCounters(counted)}; the log has ${formatCounters(expected)}`];
    }),
  );
}
