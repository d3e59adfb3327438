/**
 * Decisions that need what the catalog says. They are taken inside a change, where nobody can be asked and waited for, so
 * they take what is at hand and fresh, which is nearly always all of it. Where something is not, the decision is given
 * up, with nothing written; the catalog is asked, and the decision taken again with what came of it. A cart may change in
 * between, so this can repeat a few times; at last, what was not asked about counts as what nothing can be said of.
 */
import type { ProductCopy } from '@micromart/product-copies/compose';
import type { ProductCopies } from '@micromart/product-copies/product-copies';
import type { ProductInfo } from './product-info.ts';

/** What the catalog says of these products; for a decision, which must let its error pass. */
export type ProductInfoOf = (productIds: readonly string[]) => ProductInfo;

const MAX_ROUNDS = 4;

class NotCached extends Error {
  readonly productIds: readonly string[];

  constructor(productIds: readonly string[]) {
    super('the catalog is to be asked first');
    this.productIds = productIds;
  }
}

/** Carries out a change whose decision needs what the catalog says. */
export async function withCatalog<T>(
  copies: ProductCopies,
  change: (productInfoOf: ProductInfoOf) => Promise<T>,
): Promise<T> {
  const answeredBefore = new Map<string, ProductCopy | undefined>();
  for (let round = 1; ; round += 1) {
    try {
      return await change((productIds) => {
        const productInfo = new Map<string, ProductCopy>();
        let isLacking = false;
        for (const id of productIds) {
          const copy = copies.cached(id) ?? answeredBefore.get(id);
          if (copy) productInfo.set(id, copy);
          else if (!answeredBefore.has(id)) isLacking = true;
        }
        // All of them, for those at hand now may have expired by the next round.
        if (isLacking && round < MAX_ROUNDS) throw new NotCached(productIds);
        return productInfo;
      });
    } catch (error) {
      if (!(error instanceof NotCached)) throw error;
      const { copies: answered } = await copies.get(error.productIds);
      for (const id of error.productIds) answeredBefore.set(id, answered.get(id));
    }
  }
}
