/**
 * A copy of a product. The catalog's contract makes one of every product of an answer, as old as that and as long fresh.
 * Times are milliseconds of the clock that is passed in.
 */
import { productsTag } from '@micromart/contracts/catalog/etag';
import { MAX_PRODUCTS, type Product } from '@micromart/contracts/catalog/product';

export type Copy = {
  readonly product: Product;
  /** The catalog's log, by which a set's entity tag is formed; undefined where its answer did not prove it. */
  readonly log: string | undefined;
  /** When the catalog vouched for it. */
  readonly answeredMs: number;
  readonly freshUntilMs: number;
  /** Until when it may stand in while the catalog is away. */
  readonly usableUntilMs: number;
};

export const isFresh = (copy: Copy | undefined, nowMs: number): copy is Copy =>
  copy !== undefined && nowMs < copy.freshUntilMs;

/** Whether one was answered after the other; within a millisecond, by the version. */
export const isLater = (one: Copy, other: Copy): boolean =>
  one.answeredMs === other.answeredMs
    ? one.product.version > other.product.version
    : one.answeredMs > other.answeredMs;

/** The entity tag of a set that is held; undefined when one is not held, or not all are known to be of one log. */
export function tagOf(held: readonly (Copy | undefined)[]): string | undefined {
  const log = held[0]?.log;
  if (log === undefined || !held.every((copy) => copy?.log === log)) return undefined;
  return `"${productsTag(
    log,
    held.map((copy) => copy!.product),
  )}"`;
}

/**
 * The questions that these ids make: those that are held apart from those that are not, so that a 304 can do for the
 * first; each sorted, so that the same set is always the same address.
 */
export function batchesFor(ids: readonly string[], isHeld: (id: string) => boolean): string[][] {
  const sorted = ids.toSorted();
  return [sorted.filter(isHeld), sorted.filter((id) => !isHeld(id))].flatMap(inBatches);
}

const inBatches = (ids: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(ids.length / MAX_PRODUCTS) }, (_, n) =>
    ids.slice(n * MAX_PRODUCTS, (n + 1) * MAX_PRODUCTS),
  );
