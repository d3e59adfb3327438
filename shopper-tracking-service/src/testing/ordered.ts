/** How lists are ordered, and their ratios, computed again for tests, without the service's own code. */
import type { Counts } from '../counts.ts';

export const withRatios = <C extends Pick<Counts, 'added' | 'removed' | 'bought' | 'abandoned'>>(
  counts: C,
) => ({
  ...counts,
  removalRatio: counts.added === 0 ? 0 : counts.removed / counts.added,
  conversion:
    counts.bought + counts.abandoned === 0 ? null : counts.bought / (counts.bought + counts.abandoned),
});

/** Orders by a value, null last in both directions, then by product. */
export const inOrder =
  <P extends { readonly productId: string }, S extends keyof P>(sort: S, descending: boolean) =>
  (a: P, b: P): number => {
    const [x, y] = [a[sort] as number | null, b[sort] as number | null];
    const byId = a.productId < b.productId ? -1 : 1;
    if (x === null || y === null) return Number(x === null) - Number(y === null) || byId;
    return (descending ? y - x : x - y) || byId;
  };

/** Whether anything was counted. */
export const isCounted = (counts: Counts): boolean =>
  [
    ...[counts.added, counts.removed, counts.unitsAdded, counts.unitsRemoved],
    ...[counts.bought, counts.unitsBought, counts.abandoned, counts.unitsAbandoned],
  ].some((count) => count > 0);
