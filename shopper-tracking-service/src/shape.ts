/**
 * What this version counts by, as a number. Raise it with every change of what is counted: a generation that was begun with a
 * lower shape does not have the change for its first events, and a rebuild makes one that has (docs/adding-a-counter.md).
 */
import type { CounterName } from './counters.ts';

export const SHAPE = 3;

/** Since which shape closes are counted: the products in them, and the carts. */
export const CLOSES_SINCE = 3;

/** The shape from which on a counter counts every event; the first for those that are not here. */
export const COUNTED_SINCE: { readonly [N in CounterName]?: number } = {
  bought: CLOSES_SINCE,
  unitsBought: CLOSES_SINCE,
  abandoned: CLOSES_SINCE,
  unitsAbandoned: CLOSES_SINCE,
};

/** The same for quarter hours as a whole. */
export const QUARTERS_SINCE = 2;
