/** Carts as business users count them: when they were started, and how they ended. */
import type { CartEvent } from '@micromart/contracts/cart-events';
import { type Kept, roundDown } from './buckets.ts';
import { type Points, pointsOf, type SeriesQuestion } from './series.ts';
import type { Present } from './window.ts';

/** How a cart was closed: for a reason, or without a line. */
export type Outcome = 'bought' | 'abandoned' | 'emptied';

/** What a batch of events does to carts. Times are in milliseconds. */
export type CartChanges = {
  /** Carts into which it put products and which it did not close, with the time of the first of these events. */
  readonly filled: readonly { readonly cartId: string; readonly startedMs: number }[];
  /** `startedMs` is what this batch knows of when the cart was started; undefined where it knows nothing. */
  readonly closed: readonly {
    readonly cartId: string;
    readonly startedMs: number | undefined;
    readonly closedMs: number;
    readonly outcome: Outcome;
  }[];
};

/**
 * A cart is started by the first event that puts a product into it. Its close says the same time in `startedAt`, and the
 * earlier one counts: the first event may have been parked or discarded, and an older cart service kept no such time. A close
 * that does not say its lines counts by its reason.
 */
export function cartChangesOf(events: readonly CartEvent[]): CartChanges {
  const filled = new Map<string, number>();
  const closed: CartChanges['closed'][number][] = [];
  for (const event of events) {
    if (event.type === 'cart.item-added') {
      const { cartId } = event.data;
      if (!filled.has(cartId)) filled.set(cartId, Date.parse(event.time));
    }
    if (event.type !== 'cart.closed') continue;
    const { cartId, startedAt, items, reason } = event.data;
    const startedMs = earlier(
      filled.get(cartId),
      startedAt === undefined ? undefined : Date.parse(startedAt),
    );
    const outcome = items?.length === 0 ? 'emptied' : reason;
    closed.push({ cartId, startedMs, closedMs: Date.parse(event.time), outcome });
    filled.delete(cartId);
  }
  return { filled: [...filled].map(([cartId, startedMs]) => ({ cartId, startedMs })), closed };
}

const earlier = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** Carts that were started in a span of time: how many of them ended how, and how many are open. */
export type CartCounts = { readonly [O in Outcome | 'open']: number };

/** All of them. */
export const startedOf = ({ bought, abandoned, emptied, open }: CartCounts): number =>
  bought + abandoned + emptied + open;

export const CART_STEPS = ['hour', 'day'] as const;

export type CartsQuestion = SeriesQuestion & {
  readonly step: (typeof CART_STEPS)[number];
  readonly asOf?: Date | undefined;
};

/** What carts are counted by, and for ever. */
const BY_QUARTER: Kept = { minutesFrom: Number.POSITIVE_INFINITY, quartersFrom: Number.NEGATIVE_INFINITY };

/**
 * The points that are answered, and as of when, in milliseconds: a quarter hour, not after the present's As-Of; undefined
 * where all that is included counts. Points end there.
 */
export function cartPoints(
  { asOf, to, ...question }: CartsQuestion,
  present: Present,
): { readonly points: Points; readonly asOfMs: number | undefined } {
  const asOfMs = asOf && roundDown(Math.min(asOf.getTime(), present.asOfMs), BY_QUARTER);
  const ends = [to?.getTime(), asOfMs].filter((end) => end !== undefined);
  const end = ends.length === 0 ? undefined : new Date(Math.min(...ends));
  return { points: pointsOf({ ...question, to: end }, present, BY_QUARTER), asOfMs };
}
