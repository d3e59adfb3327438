/**
 * What the catalog knows about a product, and the result of an order to change it. Pure: the time is passed in.
 *
 * Orders are numbered as they were accepted: by their job, and within an import by their row. A product stores the newest
 * order that was decided on it, and an older one changes nothing any more, whenever and from whichever worker it comes. So
 * neither two workers nor a revived one can put an old price over a new one. An order that is decided again gets the same
 * result, so a repeated chunk counts the same.
 *
 * A scheduled price is in force from its moment on, stored or not. Storing it (`decideDue`, or before any other change of
 * the product) makes durable the version that has been answered since. That version, the next one, belongs to the scheduled
 * price from the beginning. Another change takes the one after it, even if the moment seems not to have come, because
 * another process may have a clock that is ahead. So no version is ever answered with two contents.
 */
import { isDeepStrictEqual } from 'node:util';
import { productsTag } from '@micromart/contracts/catalog/etag';
import type { ProductContent } from '@micromart/contracts/catalog/product';
import type { Decide, Decision } from '@micromart/event-log/change-store';
import type { NewEvent } from '@micromart/events/envelope';
import { matchesStrongly, matchesWeakly, parseTagCondition } from '@micromart/http/conditional/entity-tag';
import { preconditionFailed } from '@micromart/http/conditional/preconditions';
import { problem } from '@micromart/http/problem';

export type { ProductContent };

/** An order's place in the acceptance order: its job, and its row within an import (1 for single changes). */
export type Origin = { readonly job: number; readonly row: number };

export type Result = 'applied' | 'unchanged' | 'superseded';

export type Product = ProductContent & {
  /** The answered version, as far as it is stored; from 1. */
  readonly version: number;
  readonly withdrawn: boolean;
  /** The newest order that was decided on it. */
  readonly decided: Origin & {
    readonly result: Exclude<Result, 'superseded'>;
    /** A feed named it more than once, and none has named it only once since (feed-row.ts). */
    readonly isRepeated?: true;
  };
};

/** The preconditions of an order, in the form of the headers `If-Match` and `If-None-Match`. */
export type OrderConditions = {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
};

export type ProductOrder =
  | ({ readonly kind: 'put'; readonly content: ProductContent } & OrderConditions)
  | ({ readonly kind: 'withdraw' } & OrderConditions);

/** A product's version and state without its content. */
export type Version = {
  /** The stored version: a scheduled price that is due is not counted yet. */
  readonly version: number;
  readonly withdrawn: boolean;
  /** The moment from which a scheduled price is in force. */
  readonly scheduled: Date | undefined;
};

export const versionOf = (product: Product): Version => ({
  version: product.version,
  withdrawn: product.withdrawn,
  scheduled: scheduledFrom(product),
});

const scheduledFrom = ({ scheduledPrice }: ProductContent): Date | undefined =>
  scheduledPrice ? new Date(scheduledPrice.from) : undefined;

const isDue = (from: Date | undefined, now: Date): boolean => from !== undefined && from <= now;

/** The version in force: a due price counts as a change, stored or not. */
export const versionInForce = ({ version, scheduled }: Version, now: Date): number =>
  isDue(scheduled, now) ? version + 1 : version;

/** The last version that any process may have answered. */
const lastVersion = (stored: Product | undefined): number =>
  stored ? stored.version + (stored.scheduledPrice ? 1 : 0) : 0;

/** When the answer changes by itself; undefined if it does not. */
export const nextChangeAt = ({ scheduled }: Version, now: Date): Date | undefined =>
  isDue(scheduled, now) ? undefined : scheduled;

/** The product to answer at a moment. */
export const inForce = (product: Product, now: Date): Product =>
  isDue(scheduledFrom(product), now)
    ? { ...product, ...withDuePrice(product), version: product.version + 1 }
    : product;

const withDuePrice = ({ price, scheduledPrice }: ProductContent) => ({
  price: scheduledPrice?.price ?? price,
  scheduledPrice: null,
});

/**
 * Decides an order on the product in force. `log` is the log's name, part of the entity tags that its conditions name.
 * Throws `precondition-failed` if they do not hold, and `not-found` if the order withdraws an unknown product.
 */
export const decideOrder =
  (log: string, id: string, order: ProductOrder, origin: Origin, now: Date): Decide<Product, Result> =>
  (document) =>
    decide(document?.state, { log, id, order, origin, now, isRepeated: document?.state.decided.isRepeated });

export type Order = {
  readonly log: string;
  readonly id: string;
  readonly order: ProductOrder;
  readonly origin: Origin;
  readonly now: Date;
  /** The value to store. */
  readonly isRepeated: boolean | undefined;
};

/** Decides an order on a product as it is stored. */
export function decide(
  stored: Product | undefined,
  { log, id, order, origin, now, isRepeated }: Order,
): Decision<Product, Result> {
  if (stored && isBefore(origin, stored.decided)) return { answer: 'superseded' };
  if (stored && !isBefore(stored.decided, origin)) return { answer: stored.decided.result };

  const current = stored && inForce(stored, now);
  requireConditions(log, id, order, current);
  const next = applyOrder(order, current, now);
  const changed = changedFields(current, next);
  const result = changed.length > 0 ? 'applied' : 'unchanged';
  const version = result === 'applied' ? lastVersion(stored) + 1 : current!.version;
  const events = stored ? dueEvents(id, stored, now) : [];
  if (result === 'applied') events.push(event(id, { ...next, version }, changed, now));
  const decided = { ...origin, result, ...(isRepeated && { isRepeated }) } as const;
  return { answer: result, change: { state: { ...next, version, decided }, events } };
}

/** Stores a due price; answers whether there was one. */
export const decideDue =
  (id: string, now: Date): Decide<Product, boolean> =>
  (document) => {
    if (!document || !isDue(scheduledFrom(document.state), now)) return { answer: false };
    const { state } = document;
    return { answer: true, change: { state: inForce(state, now), events: dueEvents(id, state, now) } };
  };

/** Writes a product unchanged, so that the words stored with it are made anew; answers whether it exists. */
export const rewriteUnchanged: Decide<Product, boolean> = (document) =>
  document ? { answer: true, change: { state: document.state, events: [] } } : { answer: false };

type Next = ProductContent & { readonly withdrawn: boolean };

function applyOrder(order: ProductOrder, current: Product | undefined, now: Date): Next {
  if (order.kind === 'put') {
    const { content } = order;
    const due = isDue(scheduledFrom(content), now);
    return { ...content, ...(due && withDuePrice(content)), withdrawn: false };
  }
  if (!current) throw problem('not-found', 'The catalog has never known a product with this id.');
  const { version: _, decided: __, ...content } = current;
  return { ...content, scheduledPrice: null, withdrawn: true };
}

/** Whether one order was accepted before the other. */
export const isBefore = (one: Origin, other: Origin): boolean =>
  one.job < other.job || (one.job === other.job && one.row < other.row);

/** In the order of RFC 9110, 13.2.2. A withdrawn product has a tag, but does not exist for `*`. */
function requireConditions(
  log: string,
  id: string,
  { ifMatch, ifNoneMatch }: OrderConditions,
  current: Product | undefined,
): void {
  const tag = current && { weak: false, value: productsTag(log, [{ id, version: current.version }]) };
  const names = (header: string, matches: typeof matchesWeakly): boolean => {
    const condition = parseTagCondition(header);
    if (condition === '*') return current?.withdrawn === false;
    return condition !== undefined && tag !== undefined && matches(condition, tag);
  };
  if (ifMatch !== undefined && !names(ifMatch, matchesStrongly)) throw preconditionFailed('If-Match');
  if (ifNoneMatch !== undefined && names(ifNoneMatch, matchesWeakly))
    throw preconditionFailed('If-None-Match');
}

/** For a new product, all fields that it has. */
function changedFields(current: Product | undefined, next: Next): string[] {
  const before: Partial<Next> = current ?? { withdrawn: false };
  return (Object.keys(next) as (keyof Next)[]).filter(
    (field) => !isDeepStrictEqual(before[field] ?? null, next[field]),
  );
}

const dueEvents = (id: string, stored: Product, now: Date): NewEvent[] => {
  const current = inForce(stored, now);
  return current === stored ? [] : [event(id, current, ['price', 'scheduledPrice'], now)];
};

const event = (
  id: string,
  { version, withdrawn }: Pick<Product, 'version' | 'withdrawn'>,
  changed: readonly string[],
  time: Date,
): NewEvent => ({
  ...(withdrawn
    ? { type: 'catalog.product-withdrawn', data: { productId: id, version } }
    : { type: 'catalog.product-changed', data: { productId: id, version, changed } }),
  subject: id,
  key: id,
  time,
});
