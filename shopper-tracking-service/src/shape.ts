/**
 * What this version counts by, as a number. Raise it with every change of what is counted: a generation that was begun with a
 * lower shape does not have the change for its first events, and a rebuild makes one that has (docs/adding-a-counter.md).
 */
import type { CounterName } from './counters.ts';

export const SHAPE = 2;

/** The shape from which on a counter counts every event; the first for those that are not here. */
export const COUNTED_SINCE: { readonly [N in CounterName]?: number } = {};

/** The same for quarter hours as a whole. */
export const QUARTERS_SINCE = 2;
