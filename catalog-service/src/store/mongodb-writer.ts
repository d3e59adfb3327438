import { openMongodbChangeStore } from '@micromart/event-log-mongodb/changes';
import { openMongodbLog } from '@micromart/event-log-mongodb/log';
import { startSweep } from '@micromart/event-log-mongodb/sweep';
import { checkAnswers, openMongodb } from '@micromart/mongodb/open';
import type { Product } from '../product.ts';
import { createIndexes, keysOf, PRODUCTS, type ProductDocument } from './mongodb-products.ts';
import { SEARCH_VERSION } from './search-version.ts';
import type { CatalogWriter, WriterSettings } from './store.ts';

const MAX_CONNECTIONS = 16;

/** The catalog's events: the family of their log, and their CloudEvents source. */
const LOG = { family: 'catalog', source: '/catalog' };

/**
 * Resolves once everything that an earlier writer left behind is in the log. The server's administrator grants the API's user
 * its role, `read`: a database's owner cannot do that here.
 */
export async function openMongodbWriter(
  url: string,
  { onError }: Pick<WriterSettings, 'onError'>,
): Promise<CatalogWriter> {
  const mongodb = openMongodb(url, { max: MAX_CONNECTIONS, name: 'catalog-worker' });
  const open = async (): Promise<CatalogWriter> => {
    const { atomicUpdates } = await mongodb.engine();
    // Before the log, because a reader takes the existence of the log as a sign that all is ready.
    await createIndexes(mongodb);
    const log = await openMongodbLog(mongodb, LOG);
    const options = { collection: PRODUCTS, log, keysOf, onError };
    const products = await openMongodbChangeStore<Product>(mongodb, options);
    await products.sweep();
    const sweep = startSweep(products, onError);

    return {
      log,
      capabilities: { atomicCompareAndSet: atomicUpdates },
      products,
      // Nothing expires here: its sweep moves what was left behind, and deletes nothing.
      sweeps: [],

      async due(before, limit) {
        const due = await mongodb.db
          .collection<ProductDocument>(PRODUCTS)
          .find({ 'keys.scheduled': { $lte: before } }, { projection: { _id: 1 } })
          .sort({ 'keys.scheduled': 1 })
          .limit(limit)
          .toArray();
        return due.map(({ _id }) => _id);
      },

      async outdatedSearch(limit) {
        const outdated = await mongodb.db
          .collection<ProductDocument>(PRODUCTS)
          .find(
            {
              $or: [
                { 'keys.search': { $exists: false } },
                { 'keys.search.version': { $lt: SEARCH_VERSION } },
              ],
            },
            { projection: { _id: 1 } },
          )
          .limit(limit)
          .toArray();
        return outdated.map(({ _id }) => _id);
      },

      check: () => checkAnswers(mongodb),

      async close() {
        sweep.close();
        await products.idle();
        await mongodb.close();
      },
    };
  };
  return open().catch(async (error) => {
    await mongodb.close();
    throw error;
  });
}
