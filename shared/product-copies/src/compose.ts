/**
 * Composes an answer from copies, as the catalog's contract allows. It is as old as the oldest copy, and fresh until the
 * first of them expires.
 */
import type { Product } from '@micromart/contracts/catalog/product';
import type { CatalogAnswer } from './catalog-answer.ts';
import { type Copy, isLater } from './copy.ts';

/** What is known about one product. `missing`: the catalog has never known it. */
export type ProductCopy =
  | {
      readonly state: 'fresh' | 'stale';
      readonly product: Product;
      readonly ageMs: number;
      readonly freshForMs: number;
    }
  | { readonly state: 'missing'; readonly ageMs: number; readonly freshForMs: number };

export type CopiesAnswer = {
  /** Fresh: all copies are. Stale: one is past its lifetime. Unavailable: nothing is known about one product. */
  readonly catalog: 'fresh' | 'stale' | 'unavailable';
  /** By id. A product about which nothing is known is absent. */
  readonly copies: ReadonlyMap<string, ProductCopy>;
  /** Milliseconds; the age of the oldest copy. */
  readonly ageMs: number;
  /** Milliseconds until the first copy expires; 0 if one is stale or absent. */
  readonly freshForMs: number;
  /** Why a copy is stale or absent, for a log. */
  readonly why: string | undefined;
};

export type CopiesContext = {
  readonly ids: readonly string[];
  /** The products that needed an answer from the catalog. */
  readonly due: ReadonlySet<string>;
  /** The latest copy of a product. */
  readonly latest: (id: string) => Copy | undefined;
  /** The answers to this call's own requests, and to requests of other callers that it joined. */
  readonly own: readonly CatalogAnswer[];
  readonly joined: readonly CatalogAnswer[];
  readonly nowMs: number;
};

export function compose(known: CopiesContext): CopiesAnswer {
  const { ids, due, latest, own, joined, nowMs } = known;
  const answered = new Map([...answeredCopies(joined, known, false), ...answeredCopies(own, known, true)]);
  const copies = new Map<string, ProductCopy>();
  for (const id of ids) {
    const copy = answered.get(id) ?? fromCopy(latest(id), due.has(id), nowMs);
    if (copy) copies.set(id, copy);
  }
  const all = [...copies.values()];
  const isWhole = copies.size === ids.length;
  return {
    catalog: !isWhole ? 'unavailable' : all.some(({ state }) => state === 'stale') ? 'stale' : 'fresh',
    copies,
    ageMs: Math.max(0, ...all.map(({ ageMs }) => ageMs)),
    freshForMs: isWhole ? Math.min(...all.map(({ freshForMs }) => freshForMs)) : 0,
    why: [...own, ...joined].find(({ why }) => why !== undefined)?.why,
  };
}

/**
 * The copies in the given answers. Those of the call's own requests are fresh even without a lifetime, because they came
 * for this call. Those of joined requests are fresh within their lifetime.
 */
function* answeredCopies(
  answers: readonly CatalogAnswer[],
  { latest, nowMs }: CopiesContext,
  isOwn: boolean,
): Generator<[string, ProductCopy]> {
  for (const { copies, missing, state, answeredMs, freshUntilMs } of answers) {
    for (const copy of copies) {
      const { id } = copy.product;
      const other = latest(id);
      const last = other && isLater(other, copy) ? other : copy;
      yield [id, toProductCopy(last, nowMs, isOwn ? state : byTime(last, nowMs))];
    }
    const times = { ageMs: nowMs - answeredMs, freshForMs: Math.max(0, freshUntilMs - nowMs) };
    for (const id of missing) yield [id, { state: 'missing', ...times }];
  }
}

/** A copy without an answer now: unchanged if it needed none, else stale while it may be used. */
function fromCopy(copy: Copy | undefined, isDue: boolean, nowMs: number): ProductCopy | undefined {
  if (!copy || nowMs >= Math.max(copy.freshUntilMs, copy.usableUntilMs)) return undefined;
  return toProductCopy(copy, nowMs, isDue ? 'stale' : byTime(copy, nowMs));
}

const byTime = ({ freshUntilMs }: Copy, nowMs: number) => (nowMs < freshUntilMs ? 'fresh' : 'stale');

export const toProductCopy = (
  { product, answeredMs, freshUntilMs }: Copy,
  nowMs: number,
  state: 'fresh' | 'stale',
): ProductCopy => ({
  state,
  product,
  ageMs: nowMs - answeredMs,
  freshForMs: state === 'fresh' ? Math.max(0, freshUntilMs - nowMs) : 0,
});
