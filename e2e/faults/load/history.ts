/** What shoppers and business users recorded of a run: every request, and how it ended so far as they could know. */
import type { LogPosition } from '@micromart/events/position';

export type CloseReason = 'bought' | 'abandoned';

export type Item = { readonly productId: string; readonly quantity: number };

export type Outcome =
  /** Without a position where a cart was opened, which is no event yet. */
  | { readonly kind: 'acknowledged'; readonly position: LogPosition | undefined }
  /** An answer that says no, or no connection: nothing may have happened. */
  | { readonly kind: 'refused'; readonly why: string }
  /** No answer, or one that does not tell: it may have happened or not. */
  | { readonly kind: 'unknown'; readonly why: string };

/** One request. Times are the wall clock's, in milliseconds since 1970. */
export type Attempt = {
  /** The number in its `traceparent`, by which its events are found in the log. */
  readonly trace: number;
  readonly sentAtMs: number;
  readonly endedAtMs: number;
  readonly outcome: Outcome;
};

/** A change that a shopper wanted: one request, or with an Idempotency-Key as many as it took. */
export type Change = {
  readonly cartId: string;
  readonly kind: 'add' | 'remove' | 'close';
  /** Of a close. */
  readonly reason?: CloseReason;
  /** What is added, all or none of it; of a removal, one item with the most that may be taken out; of a close, nothing. */
  readonly items: readonly Item[];
  readonly attempts: readonly Attempt[];
};

export const COUNTERS = ['added', 'removed', 'unitsAdded', 'unitsRemoved'] as const;

/** The counters that the judges count again, without the read model's own code. */
export type Counters = { readonly [N in (typeof COUNTERS)[number]]: number };

/** Counters of which each has the value that is given for it. */
export const countersBy = (of: (name: keyof Counters) => number): Counters =>
  Object.fromEntries(COUNTERS.map((name) => [name, of(name)])) as Counters;

export const NO_COUNTERS: Counters = countersBy(() => 0);

/** An answer of the read model: some counters, and what it says of its freshness. */
export type Answer = {
  /** By product; `whole` says that products which are absent have none. */
  readonly counters: ReadonlyMap<string, Counters>;
  readonly whole: boolean;
  readonly positions: readonly LogPosition[];
  readonly asOfMs: number;
  /** What the request asked to be included. */
  readonly tokens: readonly LogPosition[];
  /** Which read model it is of, and when it was asked for and came, by the wall clock. */
  readonly readModel: number;
  readonly sentAtMs: number;
  readonly endedAtMs: number;
};

export type BrokenRead = { readonly sentAtMs: number; readonly endedAtMs: number; readonly why: string };

export type History = {
  readonly changes: readonly Change[];
  readonly answers: readonly Answer[];
  /** Reads that were answered as they never should be: with a 500, or a conflict for a token of this log. */
  readonly misanswers: readonly string[];
  /** Reads that had begun and broke off. */
  readonly broken: readonly BrokenRead[];
  /** Reads that were told "not now", or found nobody. */
  readonly unanswered: readonly BrokenRead[];
  /** Requests that open a cart. */
  readonly openings: readonly Attempt[];
  /** Every cart that was opened, and whose it is. */
  readonly carts: ReadonlyMap<string, string>;
};
