import type { StoredDocument } from '@micromart/event-log-mongodb/stored';
import type { Mongodb } from '@micromart/mongodb/open';
import { type Product, type Version, versionOf } from '../product.ts';
import { searchWordsBefore, wordsOf } from '../search.ts';
import { SEARCH_VERSION } from './search-version.ts';

/** The fields that find a product besides its id, and those that answer a conditional request. */
export type ProductKeys = Version & {
  readonly category: string | null;
  /** The words by which the version before searches. */
  readonly words: readonly string[];
  /** The words, and the version of the rules that made them; absent in products that the version before wrote. */
  readonly search?: { readonly version: number; readonly words: readonly string[] };
};

export type ProductDocument = StoredDocument<Product> & { readonly keys: ProductKeys };

export const PRODUCTS = 'products';

/** This index contains all that a conditional request needs, so no product is read for one. */
export const VERSIONS_INDEX = 'versions';

export const keysOf = (id: string, product: Product): ProductKeys => ({
  ...versionOf(product),
  category: product.category,
  words: searchWordsBefore([id, product.name, product.brand, product.category].join(' ')),
  search: { version: SEARCH_VERSION, words: wordsOf(id, product) },
});

export async function createIndexes({ db }: Mongodb): Promise<void> {
  const products = db.collection(PRODUCTS);
  const versions = { _id: 1, 'keys.version': 1, 'keys.withdrawn': 1, 'keys.scheduled': 1 } as const;
  await products.createIndex(versions, { name: VERSIONS_INDEX });
  await products.createIndex({ 'keys.words': 1, _id: 1 });
  await products.createIndex({ 'keys.search.words': 1, _id: 1 });
  await products.createIndex({ 'keys.search.version': 1 });
  await products.createIndex({ 'keys.category': 1, _id: 1 });
  await products.createIndex({ 'keys.scheduled': 1 }, { sparse: true });
}
