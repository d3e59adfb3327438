import type { Operation } from './plan.ts';

/**
 * The counters that the demo compares, and by how much an operation raises each. They are counted here independently of
 * shopper tracking's code; counters that are not declared here are not compared.
 */
const INCREMENTS = {
  added: ({ kind }: Operation) => (kind === 'add' ? 1 : 0),
  removed: ({ kind }: Operation) => (kind === 'add' ? 0 : 1),
  unitsAdded: ({ kind, units }: Operation) => (kind === 'add' ? units : 0),
  unitsRemoved: ({ kind, units }: Operation) => (kind === 'add' ? 0 : units),
};

export type CounterName = keyof typeof INCREMENTS;
export const COUNTERS = Object.keys(INCREMENTS) as CounterName[];

/** The counters of a product: how often it was put in and taken out, and how many units in all. */
export type Counters = { readonly [N in CounterName]: number };

/** Counters by product. An absent product has zeros. */
export type Tally = Map<string, Counters>;

/** Makes counters from a value for each name. */
export const countersBy = (of: (name: CounterName) => number): Counters =>
  Object.fromEntries(COUNTERS.map((name) => [name, of(name)])) as Counters;

export const NO_COUNTS: Counters = countersBy(() => 0);

/** Counts an executed operation: every operation is one event, of its units. */
export function count(tally: Tally, operation: Operation): void {
  const before = tally.get(operation.productId) ?? NO_COUNTS;
  tally.set(
    operation.productId,
    countersBy((name) => before[name] + INCREMENTS[name](operation)),
  );
}

/** The sum over all products. */
export const total = (tally: Tally): Counters =>
  countersBy((name) => [...tally.values()].reduce((sum, counters) => sum + counters[name], 0));
