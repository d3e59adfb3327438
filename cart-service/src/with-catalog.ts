/**
 * Decisions that need the catalog. A decision runs inside a change and cannot wait, so it uses fresh copies from the
 * cache, which nearly always has them all. If one is missing, the decision is abandoned and nothing is written. Then the
 * catalog is asked, and the decision runs again with its answer. The cart may change in between, so this can repeat a few
 * times. In the last round, products without an answer count as unknown.
 */
import type { ProductCopy } from '@micromart/product-copies/compose';
import type { ProductCopies } from '@micromart/product-copies/product-copies';
import type { ProductInfo } from './product-info.ts';

/** The catalog's info about these products. Only for use in a decision, which must not catch its errors. */
export type ProductInfoOf = (productIds: readonly string[]) => ProductInfo;

const MAX_ROUNDS = 4;

class NotCached extends Error {
  readonly productIds: readonly string[];

  constructor(productIds: readonly string[]) {
    super('the catalog must be asked first');
    this.productIds = productIds;
  }
}

/** Runs a change whose decision needs the catalog. */
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
        // Ask for all of them: those cached now may have expired by the next round.
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
