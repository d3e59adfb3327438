/**
 * An answer composed of copies (the catalog's contract): as old as the oldest of them, and fresh as long as the one that
 * expires first.
 */
import type { Product } from '@micromart/contracts/catalog/product';
import type { CatalogAnswer } from './catalog-answer.ts';
import { type Copy, isLater } from './copy.ts';

/** What can be said of one product. `missing`: the catalog has never known it. */
export type ProductCopy =
  | {
      readonly state: 'fresh' | 'stale';
      readonly product: Product;
      readonly ageMs: number;
      readonly freshForMs: number;
    }
  | { readonly state: 'missing'; readonly ageMs: number; readonly freshForMs: number };

export type CopiesAnswer = {
  /** Fresh: all of it. Stale: something is past its lifetime. Unavailable: of some product nothing can be said. */
  readonly catalog: 'fresh' | 'stale' | 'unavailable';
  /** By id; those of which nothing can be said are absent. */
  readonly copies: ReadonlyMap<string, ProductCopy>;
  /** Of the oldest. */
  readonly ageMs: number;
  /** Of the first to expire; 0 when something is stale or absent. */
  readonly freshForMs: number;
  /** Why something is stale or absent, for a log. */
  readonly why: string | undefined;
};

export type CopiesContext = {
  readonly ids: readonly string[];
  /** Those that the catalog was to be asked about. */
  readonly due: ReadonlySet<string>;
  /** The latest copy of a product. */
  readonly latest: (id: string) => Copy | undefined;
  /** What was asked for this answer, and what others had asked before. */
  readonly own: readonly CatalogAnswer[];
  readonly joined: readonly CatalogAnswer[];
  readonly nowMs: number;
};

export function compose(known: CopiesContext): CopiesAnswer {
  const { ids, due, latest, own, joined, nowMs } = known;
  const answered = new Map([...answeredCopies(joined, known, false), ...answeredCopies(own, known, true)]);
  const copies = new Map<string, ProductCopy>();
  for (const id of ids) {
    const copy = answered.get(id) ?? standIn(latest(id), due.has(id), nowMs);
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
 * What answers say. One's own is fresh even without a lifetime, as it came for this question; what others asked for has
 * to be within its own.
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

/** A copy that nobody confirmed now: as it is where nobody had to, else stale while it may stand in. */
function standIn(copy: Copy | undefined, isDue: boolean, nowMs: number): ProductCopy | undefined {
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
