import { type CartEvent, cartEvent, cartEventTypes } from '@micromart/contracts/cart-events';
import type { Logger } from '@micromart/process/logger';
import type { SubscriptionMetrics } from '@micromart/subscription/metrics';
import type { Projection } from '@micromart/subscription/projection';
import type { EventSource, Transport } from '@micromart/subscription/sources/event-source';
import { type Subscription, startSubscription } from '@micromart/subscription/subscription';
import { tally } from './counts.ts';
import type { CountStore } from './store/store.ts';

export const CART_EVENTS = 'cart-events';

/** Counts what happens to products in carts. */
export const countCartEvents = (
  store: Pick<CountStore, 'addition'>,
  now: () => Date,
): Projection<CartEvent> => ({
  parse: (event) =>
    (cartEventTypes as readonly string[]).includes(event.type) ? cartEvent.parse(event) : undefined,
  effects: (events) => store.addition(tally(events, now())),
});

/** Follows the cart's events. */
export const followCart = ({
  store,
  ...deps
}: {
  store: CountStore;
  url: string;
  source: EventSource;
  transport?: Transport;
  metrics: SubscriptionMetrics;
  logger: Logger;
}): Subscription =>
  startSubscription({
    ...deps,
    name: CART_EVENTS,
    projection: countCartEvents(store, () => new Date()),
  });
