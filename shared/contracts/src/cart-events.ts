import { envelope } from '@micromart/events/envelope';
import { z } from 'zod';
import { money } from './money.ts';
import { productId } from './product-id.ts';

/**
 * What the cart service publishes. Change is additive only: new fields are optional, a breaking change is a new type, and
 * followers skip types that they do not know. Recorded samples in samples/ must parse for ever.
 */

const line = z.object({
  cartId: z.uuid(),
  /** The shopper's pseudonym: a random key, unlinked from the person when the shopper is forgotten. */
  shopper: z.uuid(),
  productId,
  /** Units added or removed by this event, never the line's new total. */
  quantity: z.int().min(1),
  /** The price of one unit when it was added; for a removal, the price when the line was created. Older events have none. */
  unitPrice: money.optional(),
  /** The cart's version after the change that this event belongs to. */
  cartVersion: z.int().min(1),
});

/** A line of a cart when it was closed; a cart has one line for each of its products. */
const closedLine = z.object({
  productId,
  /** All units of the line. */
  quantity: z.int().min(1),
  /** The price of one unit when the line was created. Absent if the line is older than prices. */
  unitPrice: money.optional(),
});

const event = <T extends string, D extends z.ZodType>(type: T, data: D) =>
  envelope.extend({ source: z.literal('/cart'), type: z.literal(type), data });

export const cartItemAdded = event('cart.item-added', line);
export const cartItemRemoved = event('cart.item-removed', line);
export const cartClosed = event(
  'cart.closed',
  z.object({
    cartId: z.uuid(),
    shopper: z.uuid(),
    reason: z.enum(['bought', 'abandoned']),
    cartVersion: z.int().min(1),
    startedAt: z.iso.datetime().optional().meta({
      description:
        "The time of the event that added the cart's first product, even if that line was removed later. Absent if the cart never held a product, and in older events. For a cart that an older version started: when the earliest of the lines that it held after the upgrade was added; absent if it held none.",
    }),
    items: z.array(closedLine).optional().meta({
      description:
        'The lines of the cart when it was closed, each product once; empty if it held none. Absent in older events, which say nothing about the lines.',
    }),
  }),
);
/**
 * Subject and partition key are the shopper's key. The shopper's open carts are closed before it, and no event of that key
 * is written after it. But events from other partitions may reach a follower later, so docs/forgetting-a-shopper.md says
 * what a follower must do.
 */
export const cartShopperForgotten = event('cart.shopper-forgotten', z.object({ shopper: z.uuid() })).meta({
  description:
    'A follower deletes all that it stores by this shopper key. Events of the key may still come from other partitions, so it drops them until it has passed, in every partition, the head that the log had when this event was written, and none of them is parked. Then it deletes once more all that it stores by the key. It removes the key from parked events. A rebuild does the same.',
});

export const cartEvent = z.discriminatedUnion('type', [
  cartItemAdded,
  cartItemRemoved,
  cartClosed,
  cartShopperForgotten,
]);

export type CartEvent = z.infer<typeof cartEvent>;
export type CartEventType = CartEvent['type'];

/** All types of this producer. A follower skips any other type. */
export const cartEventTypes: readonly CartEventType[] = cartEvent.options.map((one) => one.shape.type.value);

const exampleLine = {
  cartId: '6f9619ff-8b86-4011-b42d-00c04fc964ff',
  shopper: '0b8c1c5e-6d0e-4d5b-9b86-6a4f5a1b2c3d',
  productId: '1029743',
  quantity: 2,
  unitPrice: { amount: 399, currency: 'USD' },
  cartVersion: 3,
};

const exampleEnvelope = {
  specversion: '1.0',
  source: '/cart',
  time: '2026-11-01T09:30:00.000Z',
  datacontenttype: 'application/json',
  subject: exampleLine.cartId,
  partitionkey: exampleLine.cartId,
  partition: 7,
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
} as const;

/** One example of each event, for the tests of producers and followers, and for the AsyncAPI document. */
export const cartEventExamples: { readonly [T in CartEventType]: Extract<CartEvent, { type: T }> } = {
  'cart.item-added': {
    ...exampleEnvelope,
    id: '9b2f5a52-6c36-4dfb-9a39-6b7bb0a1c001',
    type: 'cart.item-added',
    sequence: '1',
    data: exampleLine,
  },
  'cart.item-removed': {
    ...exampleEnvelope,
    id: '9b2f5a52-6c36-4dfb-9a39-6b7bb0a1c002',
    type: 'cart.item-removed',
    sequence: '2',
    data: { ...exampleLine, quantity: 1, cartVersion: 4 },
  },
  'cart.closed': {
    ...exampleEnvelope,
    id: '9b2f5a52-6c36-4dfb-9a39-6b7bb0a1c003',
    type: 'cart.closed',
    sequence: '3',
    data: {
      cartId: exampleLine.cartId,
      shopper: exampleLine.shopper,
      reason: 'bought',
      cartVersion: 5,
      startedAt: exampleEnvelope.time,
      items: [{ productId: exampleLine.productId, quantity: 1, unitPrice: exampleLine.unitPrice }],
    },
  },
  'cart.shopper-forgotten': {
    ...exampleEnvelope,
    id: '9b2f5a52-6c36-4dfb-9a39-6b7bb0a1c004',
    type: 'cart.shopper-forgotten',
    subject: exampleLine.shopper,
    partitionkey: exampleLine.shopper,
    partition: 2,
    sequence: '1',
    data: { shopper: exampleLine.shopper },
  },
};
