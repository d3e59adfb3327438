import type { Operation } from './plan.ts';

/** What shopper tracking keeps for a product: how often it was put in and taken out, and how many units in all. */
export type Counters = {
  readonly added: number;
  readonly removed: number;
  readonly unitsAdded: number;
  readonly unitsRemoved: number;
};

/** Counters by product. A product that is absent has zeros. */
export type Tally = Map<string, Counters>;

export const NO_COUNTS: Counters = { added: 0, removed: 0, unitsAdded: 0, unitsRemoved: 0 };

/** Counts an operation that was carried out: every operation is one event, of its units. */
export function count(tally: Tally, { kind, productId, units }: Operation): void {
  const { added, removed, unitsAdded, unitsRemoved } = tally.get(productId) ?? NO_COUNTS;
  tally.set(
    productId,
    kind === 'add'
      ? { added: added + 1, removed, unitsAdded: unitsAdded + units, unitsRemoved }
      : { added, removed: removed + 1, unitsAdded, unitsRemoved: unitsRemoved + units },
  );
}

/** The sum over all products. */
export function total(tally: Tally): Counters {
  let { added, removed, unitsAdded, unitsRemoved } = NO_COUNTS;
  for (const counters of tally.values()) {
    added += counters.added;
    removed += counters.removed;
    unitsAdded += counters.unitsAdded;
    unitsRemoved += counters.unitsRemoved;
  }
  return { added, removed, unitsAdded, unitsRemoved };
}
