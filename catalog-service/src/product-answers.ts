/**
 * Answers about products, and how long they are valid (RFC 9111, 5.2.2). No answer is valid beyond the next scheduled price.
 * One that says that a product does not exist is valid for seconds only, because the product may come to exist.
 *
 * Lifetimes are whole seconds, rounded down. Caches count them from `Date`, which is rounded down as well, so no copy
 * outlives the moment that limits it.
 */
import { productsTag } from '@micromart/contracts/catalog/etag';
import type { Product as ProductAnswer } from '@micromart/contracts/catalog/product';
import { inForce, nextChangeAt, type Product, type Version, versionInForce } from './product.ts';

export type Lifetimes = {
  /** The longest lifetime of an answer with its body. */
  readonly maxAgeS: number;
  /** The longest lifetime that a 304 gives to the copy it confirms. */
  readonly maxAgeRevalidatedS: number;
};

const MAX_AGE_MISSING_S = 10;
/** How long a copy may be used while the catalog is unavailable (RFC 5861, 4). */
const STALE_IF_ERROR_S = 86_400;

/** Headers of an answer that a product does not exist, or was withdrawn. */
export const MISSING_HEADERS = { 'Cache-Control': `private, max-age=${MAX_AGE_MISSING_S}` };

/** The state of a set of products at a moment: enough to answer whether a copy of it is still valid. */
export type ProductSetState = {
  /** The value of its entity tag. */
  readonly tag: string;
  readonly missing: readonly string[];
  /** How long it is valid without a change, in milliseconds; Infinity if nothing is scheduled. */
  readonly settledMs: number;
};

/** `ids` are the requested ones, each once; `known` are the known products among them, as stored, in the order of `ids`. */
export function stateOfSet(
  log: string,
  ids: readonly string[],
  known: readonly (Version & { readonly id: string })[],
  now: Date,
): ProductSetState {
  const missing: string[] = [];
  let changesMs = Infinity;
  let next = 0;
  const versions = ids.map((id) => {
    const one = known[next];
    if (one?.id !== id) {
      missing.push(id);
      return { id, version: 0 };
    }
    next += 1;
    changesMs = Math.min(changesMs, nextChangeAt(one, now)?.getTime() ?? Infinity);
    return { id, version: versionInForce(one, now) };
  });
  return { tag: productsTag(log, versions), missing, settledMs: changesMs - now.getTime() };
}

export function cacheHeaders({ tag, missing, settledMs }: ProductSetState, maxAgeS: number) {
  if (missing.length > 0) return { ETag: `"${tag}"`, ...MISSING_HEADERS };
  const seconds = Math.min(maxAgeS, Math.floor(settledMs / 1_000));
  return {
    ETag: `"${tag}"`,
    'Cache-Control': `private, max-age=${seconds}, stale-if-error=${STALE_IF_ERROR_S}`,
  };
}

/** A product in an answer of a given moment. */
export function productAnswer(id: string, stored: Product, now: Date): ProductAnswer {
  const { version, name, category, department, brand, size, price, scheduledPrice, withdrawn } = inForce(
    stored,
    now,
  );
  return {
    id,
    version,
    name,
    category,
    department,
    brand,
    size,
    price,
    scheduledPrice,
    ...(withdrawn && { withdrawn }),
  };
}
