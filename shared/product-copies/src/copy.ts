/**
 * A copy of a product. The catalog's contract allows one for each product of an answer, with the answer's age and lifetime.
 * Times are milliseconds of the clock that is passed in.
 */
import { productsTag } from '@micromart/contracts/catalog/etag';
import { MAX_PRODUCTS, type Product } from '@micromart/contracts/catalog/product';

export type Copy = {
  readonly product: Product;
  /** The catalog's log, from which a set's entity tag is formed; undefined if the answer did not prove it. */
  readonly log: string | undefined;
  /** When the catalog confirmed it. */
  readonly answeredMs: number;
  readonly freshUntilMs: number;
  /** Until when it may be used while the catalog is unavailable. */
  readonly usableUntilMs: number;
};

export const isFresh = (copy: Copy | undefined, nowMs: number): copy is Copy =>
  copy !== undefined && nowMs < copy.freshUntilMs;

/** Whether one was answered after the other; by version if both came in the same millisecond. */
export const isLater = (one: Copy, other: Copy): boolean =>
  one.answeredMs === other.answeredMs
    ? one.product.version > other.product.version
    : one.answeredMs > other.answeredMs;

/** The entity tag of a set of copies; undefined if one is absent, or they are not known to be of one log. */
export function tagOf(held: readonly (Copy | undefined)[]): string | undefined {
  const log = held[0]?.log;
  if (log === undefined || !held.every((copy) => copy?.log === log)) return undefined;
  return `"${productsTag(
    log,
    held.map((copy) => copy!.product),
  )}"`;
}

/**
 * Splits ids into requests. Held ones are apart from the others, so that a 304 can answer them. Each batch is sorted, so
 * that the same set always has the same address.
 */
export function batchesFor(ids: readonly string[], isHeld: (id: string) => boolean): string[][] {
  const sorted = ids.toSorted();
  return [sorted.filter(isHeld), sorted.filter((id) => !isHeld(id))].flatMap(inBatches);
}

const inBatches = (ids: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(ids.length / MAX_PRODUCTS) }, (_, n) =>
    ids.slice(n * MAX_PRODUCTS, (n + 1) * MAX_PRODUCTS),
  );
