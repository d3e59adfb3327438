import type { ProductCopies } from '@micromart/product-copies/product-copies';

/** Names of products by id. A name that is not at hand within the budget is absent; it never rejects. */
export type ProductNames = {
  of(ids: readonly string[], budgetMs?: number): Promise<ReadonlyMap<string, string>>;
};

/** How long an answer may wait for names: enough for a catalog that is near. */
export const NAMES_BUDGET_MS = 100;

/** Takes names from the copies that are held, and asks the catalog for the others, whose names are there the next time. */
export const createProductNames = (copies: ProductCopies): ProductNames => ({
  async of(ids, budgetMs = NAMES_BUDGET_MS) {
    const names = new Map<string, string>();
    const note = (id: string, copy: ReturnType<ProductCopies['cached']>): void => {
      if (copy && copy.state !== 'missing') names.set(id, copy.product.name);
    };
    for (const id of ids) note(id, copies.cached(id));
    const others = ids.filter((id) => !names.has(id));
    if (others.length === 0) return names;
    const answer = await withinBudget(
      copies.get(others).catch(() => undefined),
      budgetMs,
    );
    for (const [id, copy] of answer?.copies ?? []) note(id, copy);
    return names;
  },
});

async function withinBudget<T>(answer: Promise<T>, budgetMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, budgetMs, undefined);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
