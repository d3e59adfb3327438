import { type CartEvent, cartEvent, cartEventTypes } from '@micromart/shared/contracts/cart-events';
import type { Logger } from '@micromart/shared/process/logger';
import type { SubscriptionMetrics } from '@micromart/shared/subscription/metrics';
import type { Projection } from '@micromart/shared/subscription/projection';
import type { EventSource, Transport } from '@micromart/shared/subscription/source';
import { type Subscription, startSubscription } from '@micromart/shared/subscription/subscription';
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
