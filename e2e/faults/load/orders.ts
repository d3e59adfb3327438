/** What merchants recorded of a run: every order to the catalog, and how it was answered. */

export type Order = {
  /** The number in its `traceparent`, which is also in the name and the price that it gives a product. */
  readonly trace: number;
  /** The wall clock's, in milliseconds since 1970. */
  readonly sentAtMs: number;
  readonly endedAtMs: number;
  readonly wanted: Wanted;
  readonly outcome:
    | { readonly kind: 'accepted'; readonly job: string }
    /** An answer that says no, or no connection: there is no such job. */
    | { readonly kind: 'refused'; readonly why: string }
    /** No answer, or one that does not tell: there may be a job. */
    | { readonly kind: 'unknown'; readonly why: string };
};

export type Wanted =
  | { readonly kind: 'put' | 'withdraw'; readonly productId: string }
  | { readonly kind: 'import'; readonly feed: number };

export type OrderHistory = {
  readonly orders: readonly Order[];
  /** Questions about jobs that were answered as they never should be. */
  readonly misanswers: readonly string[];
};

export const NO_ORDERS: OrderHistory = { orders: [], misanswers: [] };

/** The name that an order gives to its product. */
export const orderedName = (trace: number): string => `of order ${trace}`;
