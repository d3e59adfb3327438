import { asyncApiDocument } from '@micromart/contracts/asyncapi';
import { cartEvent, cartEventExamples } from '@micromart/contracts/cart-events';

/** The events of the cart service as an AsyncAPI document: `GET /asyncapi.json`. */
export const cartAsyncApi = asyncApiDocument({
  title: 'Cart events',
  channel: '/events',
  description:
    'What happens to carts. Events of one cart come in order; `sequence` is dense in its partition.',
  events: cartEvent.options,
  examples: cartEventExamples,
});
