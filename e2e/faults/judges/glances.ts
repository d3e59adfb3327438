import type { CatalogEvidence, Evidence } from '../evidence/evidence.ts';

/**
 * No look at a cart failed, whatever became of the catalog, unless a cart-service was killed or frozen meanwhile; and no price that was called fresh was older than the
 * catalog allows: it had been the product's within its answers' lifetime before the question. (A price is over when the
 * job that changed it has ended, at the latest: database and shoppers go by the same clock.)
 */
export function judgeGlances({ glances, catalog, cuts, maxAgeS = 0 }: Evidence): string[] {
  const overAt = pricesOver(catalog);
  return glances.flatMap(({ sentAtMs, endedAtMs, failure, catalog: said, prices }) => {
    const wasCut = cuts.some(({ fromMs, tillMs }) => sentAtMs <= tillMs && endedAtMs >= fromMs);
    if (failure !== undefined) return wasCut ? [] : [`a cart could not be seen: ${failure.slice(0, 200)}`];
    if (said !== 'fresh') return [];
    return prices.flatMap(({ productId, amount }) => {
      const over = overAt.get(productId)?.get(amount);
      if (over === undefined) return [`a cart showed ${amount} for ${productId}, which it never cost`];
      const lateMs = sentAtMs - maxAgeS * 1_000 - over;
      return lateMs > 0
        ? [`a cart called the price ${amount} of ${productId} fresh ${lateMs} ms after its time`]
        : [];
    });
  });
}

/** When each price of each product was over at the latest; infinity where it still holds, or nobody knows. */
function pricesOver({ history, jobs, changes }: CatalogEvidence): Map<string, Map<number, number>> {
  const finishedAt = new Map(jobs.map(({ id, finishedAt }) => [id, Date.parse(finishedAt ?? '')]));
  const endOf = new Map(
    history.orders.map(({ trace, outcome }) => [
      trace,
      outcome.kind === 'accepted' ? finishedAt.get(outcome.job) : undefined,
    ]),
  );
  const prices = new Map<string, Map<number, number>>();
  const current = new Map<string, number>();
  for (const { productId, trace } of changes) {
    if (trace === undefined) continue;
    const over = prices.get(productId) ?? new Map<number, number>();
    prices.set(productId, over);
    const before = current.get(productId);
    if (before !== undefined) over.set(before, endOf.get(trace) ?? Number.POSITIVE_INFINITY);
    over.set(trace, Number.POSITIVE_INFINITY);
    current.set(productId, trace);
  }
  return prices;
}
