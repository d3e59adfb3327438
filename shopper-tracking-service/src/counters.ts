/**
 * The counters of a product, declared in this one place: SQL, schemas and sort keys are derived from it.
 * docs/adding-a-counter.md says what else a new one takes.
 */
import type { CartEvent } from '@micromart/contracts/cart-events';

/** An event that concerns products: it moves units of one into a cart or out of it, or closes a cart with all its lines. */
export type CountedEvent = Extract<
  CartEvent,
  { type: 'cart.item-added' | 'cart.item-removed' | 'cart.closed' }
>;

/** What an event says of one product. */
export type ProductLine = { readonly productId: string; readonly quantity: number };

export type Counter = {
  /** For the API's documentation. */
  readonly description: string;
  /**
   * By how much an event raises the counter of one product that it concerns; 0 or more. It is called once for each line: an
   * event that moves units has one, a close has those of the cart.
   */
  readonly increment: (event: CountedEvent, line: ProductLine) => number;
};

/** Counters by name. Names are in camel case; their columns are the same in snake case. */
export type Counters<Name extends string = string> = { readonly [N in Name]: Counter };

const isAdded = ({ type }: CountedEvent): boolean => type === 'cart.item-added';
const isRemoved = ({ type }: CountedEvent): boolean => type === 'cart.item-removed';
const isClosed = (event: CountedEvent, reason: 'bought' | 'abandoned'): boolean =>
  event.type === 'cart.closed' && event.data.reason === reason;

export const COUNTERS = {
  added: {
    description: 'Events that put it into a cart',
    increment: (event) => (isAdded(event) ? 1 : 0),
  },
  removed: {
    description: 'Events that took it out of one',
    increment: (event) => (isRemoved(event) ? 1 : 0),
  },
  unitsAdded: {
    description: 'Units put into carts',
    increment: (event, { quantity }) => (isAdded(event) ? quantity : 0),
  },
  unitsRemoved: {
    description: 'Units taken out of carts',
    increment: (event, { quantity }) => (isRemoved(event) ? quantity : 0),
  },
  bought: {
    description: 'Carts that were bought with it, counted when they were closed',
    increment: (event) => (isClosed(event, 'bought') ? 1 : 0),
  },
  unitsBought: {
    description: 'Units of it in carts that were bought',
    increment: (event, { quantity }) => (isClosed(event, 'bought') ? quantity : 0),
  },
  abandoned: {
    description: 'Carts that were abandoned with it, counted when they were closed',
    increment: (event) => (isClosed(event, 'abandoned') ? 1 : 0),
  },
  unitsAbandoned: {
    description: 'Units of it in carts that were abandoned',
    increment: (event, { quantity }) => (isClosed(event, 'abandoned') ? quantity : 0),
  },
} as const satisfies Counters;

export type CounterName = keyof typeof COUNTERS;

export const namesOf = <Name extends string>(counters: Counters<Name>): readonly Name[] =>
  Object.keys(counters) as Name[];

export const COUNTER_NAMES = namesOf(COUNTERS);

/** The column that keeps a counter. */
export const columnOf = (name: string): string =>
  name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
