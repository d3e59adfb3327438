import { COUNTER_NAMES } from './counters.ts';
import type { Counts } from './counts.ts';
import type { Window } from './window.ts';

/** What a list of products can be sorted by: a counter, or how often a product was taken out again. */
export const sortsOf = <Name extends string>(counters: readonly Name[]) =>
  [...counters, 'removalRatio'] as const;

export const SORTS = sortsOf(COUNTER_NAMES);
export type Sort = (typeof SORTS)[number];

export type Product = Counts & { readonly productId: string; readonly removalRatio: number };

/** Where a page of a list begins: behind this value and product, in the list's order. */
export type After = { readonly value: number; readonly productId: string };

export type List = {
  readonly sort: Sort;
  readonly descending: boolean;
  /** The total when it is left out. */
  readonly window?: Window | undefined;
  readonly minAdded: number;
  readonly after?: After | undefined;
  readonly limit: number;
};
