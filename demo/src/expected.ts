import type { Closing, Operation } from './plan.ts';

/**
 * The counters that the demo compares, and by how much an operation raises each. They are counted here independently of
 * shopper tracking's code; counters that are not declared here are not compared.
 */
const INCREMENTS = {
  added: ({ kind }: Counted) => (kind === 'add' ? 1 : 0),
  removed: ({ kind }: Counted) => (isRemoval(kind) ? 1 : 0),
  unitsAdded: ({ kind, units }: Counted) => (kind === 'add' ? units : 0),
  unitsRemoved: ({ kind, units }: Counted) => (isRemoval(kind) ? units : 0),
  bought: ({ kind }: Counted) => (kind === 'bought' ? 1 : 0),
  unitsBought: ({ kind, units }: Counted) => (kind === 'bought' ? units : 0),
  abandoned: ({ kind }: Counted) => (kind === 'abandoned' ? 1 : 0),
  unitsAbandoned: ({ kind, units }: Counted) => (kind === 'abandoned' ? units : 0),
};

type Counted = Operation | Closing;

const isRemoval = (kind: Counted['kind']): boolean => kind === 'set' || kind === 'take' || kind === 'drop';

export type CounterName = keyof typeof INCREMENTS;
const COUNTERS = Object.keys(INCREMENTS) as CounterName[];

/** The counters that shopper tracking answers. */
export const COMPARED: readonly CounterName[] = ['added', 'removed', 'unitsAdded', 'unitsRemoved'];

/** The counters of a product: how often it was put in and taken out, and how many units in all. */
export type Counters = { readonly [N in CounterName]: number };

/** Counters by product. An absent product has zeros. */
export type Tally = Map<string, Counters>;

/** Makes counters from a value for each name. */
export const countersBy = (of: (name: CounterName) => number): Counters =>
  Object.fromEntries(COUNTERS.map((name) => [name, of(name)])) as Counters;

export const NO_COUNTS: Counters = countersBy(() => 0);

/** Counts an executed operation, which is one event, of its units; or a product that a cart was closed with. */
export function count(tally: Tally, counted: Counted): void {
  const before = tally.get(counted.productId) ?? NO_COUNTS;
  tally.set(
    counted.productId,
    countersBy((name) => before[name] + INCREMENTS[name](counted)),
  );
}

/** The sum over all products. */
export const total = (tally: Tally): Counters =>
  countersBy((name) => [...tally.values()].reduce((sum, counters) => sum + counters[name], 0));
