/**
 * The counters of a product, declared in this one place: SQL, schemas and sort keys are derived from it. A new counter is
 * one entry here, and one migration that adds its column (`bigint NOT NULL DEFAULT 0`) to the five tables of counts.
 */
import type { CartEvent } from '@micromart/contracts/cart-events';

/** An event that moves units of one product into a cart or out of it. */
export type ItemEvent = Extract<CartEvent, { type: 'cart.item-added' | 'cart.item-removed' }>;

export type Counter = {
  /** For the API's documentation. */
  readonly description: string;
  /** By how much an event raises the counter of its product; 0 or more. */
  readonly increment: (event: ItemEvent) => number;
};

/** Counters by name. Names are in camel case; their columns are the same in snake case. */
export type Counters<Name extends string = string> = { readonly [N in Name]: Counter };

const isAdded = ({ type }: ItemEvent): boolean => type === 'cart.item-added';

export const COUNTERS = {
  added: {
    description: 'Events that put it into a cart',
    increment: (event) => (isAdded(event) ? 1 : 0),
  },
  removed: {
    description: 'Events that took it out of one',
    increment: (event) => (isAdded(event) ? 0 : 1),
  },
  unitsAdded: {
    description: 'Units put into carts',
    increment: (event) => (isAdded(event) ? event.data.quantity : 0),
  },
  unitsRemoved: {
    description: 'Units taken out of carts',
    increment: (event) => (isAdded(event) ? 0 : event.data.quantity),
  },
} as const satisfies Counters;

export type CounterName = keyof typeof COUNTERS;

export const namesOf = <Name extends string>(counters: Counters<Name>): readonly Name[] =>
  Object.keys(counters) as Name[];

export const COUNTER_NAMES = namesOf(COUNTERS);

/** The column that keeps a counter. */
export const columnOf = (name: string): string =>
  name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
