import { asyncApiDocument } from '@micromart/contracts/asyncapi';
import { catalogEvent, catalogEventExamples } from '@micromart/contracts/catalog-events';

/** What the catalog publishes, for machines to read: `GET /asyncapi.json`. */
export const catalogAsyncApi = asyncApiDocument({
  title: 'Catalog events',
  channel: '/events',
  description:
    'What happens to products. Events of one product come in order; `sequence` is dense in its partition.',
  events: catalogEvent.options,
  examples: catalogEventExamples,
});
