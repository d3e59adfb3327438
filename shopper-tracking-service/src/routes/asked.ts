import type { ProductSearch } from '@micromart/product-copies/product-search';
import type { CountStore } from '../store/store.ts';
import type { Exports } from './exports.ts';
import type { ProductNames } from './product-names.ts';
import type { Questions } from './questions.ts';

/** Whom the routes ask. */
export type Asked = {
  readonly store: CountStore;
  readonly questions: Questions;
  readonly names: ProductNames;
  readonly search: ProductSearch;
  readonly exports: Exports;
};
