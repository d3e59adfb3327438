import { type CartEvent, cartEvent, cartEventTypes } from '@micromart/contracts/cart-events';
import type { ReadModel } from '@micromart/subscription/generations/read-model';
import type { Projection } from '@micromart/subscription/projection';
import { linesCompleteFrom } from './bought-since.ts';
import { cartChangesOf } from './carts.ts';
import { tally } from './counts.ts';
import type { CountStore } from './store/store.ts';

export const CART_EVENTS = 'cart-events';

/** Counts what happens to products in carts. */
export const countCartEvents = (
  store: Pick<CountStore, 'addition' | 'changeCarts' | 'linesMissed'>,
  now: () => Date,
): Projection<CartEvent> => ({
  parse: (event) =>
    (cartEventTypes as readonly string[]).includes(event.type) ? cartEvent.parse(event) : undefined,
  effects: (events) => [
    ...store.addition(tally(events, now())),
    ...store.changeCarts(cartChangesOf(events)),
    ...store.linesMissed(linesCompleteFrom(events)),
  ],
});

/** The counters, built from the cart's events. */
export const cartCounts = (
  store: Pick<CountStore, 'addition' | 'changeCarts' | 'linesMissed' | 'readModel'>,
): ReadModel<CartEvent> =>
  store.readModel(
    CART_EVENTS,
    countCartEvents(store, () => new Date()),
  );
