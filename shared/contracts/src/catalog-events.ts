import { envelope } from '@micromart/events/envelope';
import { z } from 'zod';
import { productId } from './product-id.ts';

/**
 * What the catalog publishes. Change is additive only: new fields are optional, a breaking change is a new type, and
 * followers skip types that they do not know. Recorded samples in samples/ must parse for ever.
 *
 * An event says that a product has changed and to which version, not what it is now. That is in the catalog's answer to a
 * request for it, which has a lifetime.
 */

const event = <T extends string, D extends z.ZodType>(type: T, data: D) =>
  envelope.extend({ source: z.literal('/catalog'), type: z.literal(type), data });

/** The product's version after the change: the one that the catalog answers. */
const version = z.int().min(1);

export const catalogProductChanged = event(
  'catalog.product-changed',
  z.object({
    productId,
    version,
    /** The fields of the product that changed; for a new product, all that it has. */
    changed: z.array(z.string().min(1)).min(1),
  }),
);
export const catalogProductWithdrawn = event('catalog.product-withdrawn', z.object({ productId, version }));

export const catalogEvent = z.discriminatedUnion('type', [catalogProductChanged, catalogProductWithdrawn]);

export type CatalogEvent = z.infer<typeof catalogEvent>;
export type CatalogEventType = CatalogEvent['type'];

/** All types of this producer. A follower skips any other type. */
export const catalogEventTypes: readonly CatalogEventType[] = catalogEvent.options.map(
  (one) => one.shape.type.value,
);

const exampleEnvelope = {
  specversion: '1.0',
  source: '/catalog',
  time: '2026-11-01T09:30:00.000Z',
  datacontenttype: 'application/json',
  subject: '1029743',
  partitionkey: '1029743',
  partition: 4,
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
} as const;

/** One example of each event, for the tests of producers and followers, and for the AsyncAPI document. */
export const catalogEventExamples: { readonly [T in CatalogEventType]: Extract<CatalogEvent, { type: T }> } =
  {
    'catalog.product-changed': {
      ...exampleEnvelope,
      id: '2f0d3c1e-7b1a-4f6e-8a51-3c9f5d0e2001',
      type: 'catalog.product-changed',
      sequence: '1',
      data: { productId: '1029743', version: 2, changed: ['price'] },
    },
    'catalog.product-withdrawn': {
      ...exampleEnvelope,
      id: '2f0d3c1e-7b1a-4f6e-8a51-3c9f5d0e2002',
      type: 'catalog.product-withdrawn',
      sequence: '2',
      data: { productId: '1029743', version: 3 },
    },
  };
