import type { StoredDocument } from '@micromart/shared/event-log/mongodb/stored';
import type { Mongodb } from '@micromart/shared/mongodb/open';
import { type Product, type Version, versionOf } from '../product.ts';
import { searchWords } from '../search.ts';

/** What a product is found by besides its id, and what a conditional request is answered from. */
export type ProductKeys = Version & {
  readonly category: string | null;
  /** In small letters; of the name, brand, category and id. */
  readonly words: readonly string[];
};

export type ProductDocument = StoredDocument<Product> & { readonly keys: ProductKeys };

export const PRODUCTS = 'products';

/** Its index holds all that a conditional request is answered from, so no product is read for one. */
export const VERSIONS_INDEX = 'versions';

export const keysOf = (id: string, product: Product): ProductKeys => ({
  ...versionOf(product),
  category: product.category,
  words: searchWords([id, product.name, product.brand, product.category].join(' ')),
});

export async function createIndexes({ db }: Mongodb): Promise<void> {
  const products = db.collection(PRODUCTS);
  const versions = { _id: 1, 'keys.version': 1, 'keys.withdrawn': 1, 'keys.scheduled': 1 } as const;
  await products.createIndex(versions, { name: VERSIONS_INDEX });
  await products.createIndex({ 'keys.words': 1, _id: 1 });
  await products.createIndex({ 'keys.category': 1, _id: 1 });
  await products.createIndex({ 'keys.scheduled': 1 }, { sparse: true });
}
