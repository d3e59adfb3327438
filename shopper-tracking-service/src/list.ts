import { COUNTER_NAMES, type CounterName } from './counters.ts';
import type { Counts } from './counts.ts';
import { type RatioName, type Ratios, ratiosOf } from './ratios.ts';
import type { Window } from './window.ts';

/** What a list of products can be sorted by: a counter or a ratio. */
export const sortsOf = <Name extends string>(counters: readonly Name[]): readonly (Name | RatioName)[] => [
  ...counters,
  ...ratiosOf(counters).map(([name]) => name),
];

export type Sort = CounterName | RatioName;
export const SORTS = sortsOf(COUNTER_NAMES);

export type Product = Counts & Ratios & { readonly productId: string };

/** With its place in the list, from 1 on, and how it stood in the list of another window. */
export type ListedProduct = Product & { readonly rank: number; readonly past?: Past | null };

/** How a product stood in the list of another window; `rank` is null where that list has not got it. */
export type Past = Counts & Ratios & { readonly rank: number | null };

/** Products with one of these ids, or with an id that begins so. */
export type Search = { readonly ids: readonly string[]; readonly prefix: string };

/** Which products a list has, and in what order. */
export type Ordering = {
  readonly sort: Sort;
  readonly descending: boolean;
  /** The total when it is left out. */
  readonly window?: Window | undefined;
  readonly minAdded: number;
  readonly search?: Search | undefined;
};

/** Where a page of a list begins: behind this value and product, in the list's order. */
export type After = { readonly value: number | null; readonly productId: string };

/** A page of a list. */
export type List = Ordering & { readonly after?: After | undefined; readonly limit: number };
