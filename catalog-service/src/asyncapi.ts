import { asyncApiDocument } from '@micromart/contracts/asyncapi';
import { catalogEvent, catalogEventExamples } from '@micromart/contracts/catalog-events';

/** The events of the catalog service as an AsyncAPI document: `GET /asyncapi.json`. */
export const catalogAsyncApi = asyncApiDocument({
  title: 'Catalog events',
  channel: '/events',
  description:
    'What happens to products. Events of one product come in order; `sequence` is dense in its partition.',
  events: catalogEvent.options,
  examples: catalogEventExamples,
});
