import { createMongodbLogReader } from '@micromart/event-log-mongodb/read-only-log';
import { findByIds } from '@micromart/mongodb/by-id';
import { checkAnswers, openMongodb } from '@micromart/mongodb/open';
import { searchWords, searchWordsBefore } from '../search.ts';
import { PRODUCTS, type ProductDocument, VERSIONS_INDEX } from './mongodb-products.ts';
import { createReader } from './reader.ts';
import type { Browse, CatalogReader, ProductVersion, StoredProduct } from './store.ts';

const MAX_CONNECTIONS = 16;

const NOT_YET = "The catalog's worker has not created the schema yet.";

/** Covered by its index alone. */
export const VERSION = {
  projection: { _id: 1, 'keys.version': 1, 'keys.withdrawn': 1, 'keys.scheduled': 1 },
  hint: VERSIONS_INDEX,
};
const PRODUCT = { projection: { _id: 1, state: 1 } };

/** Connects at its first call, so it can be opened before its database exists. */
export function openMongodbReader(url: string): CatalogReader {
  const mongodb = openMongodb(url, { max: MAX_CONNECTIONS, name: 'catalog-service' });
  const log = createMongodbLogReader(mongodb, { source: '/catalog', notYet: NOT_YET });
  const products = mongodb.db.collection<ProductDocument>(PRODUCTS);

  return createReader({
    log,

    readVersions: async (ids) => (await findByIds(mongodb, products, ids, VERSION)).map(toVersion),

    readProducts: async (ids) => (await findByIds(mongodb, products, ids, PRODUCT)).map(toProduct),

    async browse(browse) {
      const found = products.find(filterOf(browse), PRODUCT);
      return (await found.sort({ _id: 1 }).limit(browse.limit).toArray()).map(toProduct);
    },

    check: () => checkAnswers(mongodb),

    close: mongodb.close,
  });
}

/** Words consist of letters, marks and numbers only, so nothing in them has a meaning in a regular expression. */
const filterOf = ({ q, category, after }: Browse) => ({
  'keys.withdrawn': false,
  ...(category !== undefined && { 'keys.category': category }),
  ...(after !== undefined && { _id: { $gt: after } }),
  ...(q !== undefined && {
    $or: [
      { $and: prefixesIn('keys.search.words', searchWords(q)) },
      { 'keys.search': { $exists: false }, $and: prefixesIn('keys.words', searchWordsBefore(q)) },
    ].filter(({ $and }) => $and.length > 0),
  }),
});

const prefixesIn = (field: string, words: readonly string[]) =>
  words.map((word) => ({ [field]: new RegExp(`^${word}`) }));

const toVersion = ({ _id, keys }: Pick<ProductDocument, '_id' | 'keys'>): ProductVersion => ({
  id: _id,
  version: keys.version,
  withdrawn: keys.withdrawn,
  scheduled: keys.scheduled ?? undefined,
});

const toProduct = ({ _id, state }: Pick<ProductDocument, '_id' | 'state'>): StoredProduct => ({
  id: _id,
  product: state,
});
