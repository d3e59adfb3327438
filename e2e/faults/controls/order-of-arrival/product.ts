/** The control: a product does not remember which order was decided on it last. */
import * as original from '@micromart/catalog-service/product';

export * from '@micromart/catalog-service/product';

const NEVER = { job: 0, row: 0, result: 'applied' } as const;

const withoutMemory = (product: original.Product): original.Product => ({ ...product, decided: NEVER });

export const decide: typeof original.decide = (stored, order) =>
  original.decide(stored && withoutMemory(stored), order);

export const decideOrder: typeof original.decideOrder =
  (...order) =>
  (document, ...rest) =>
    original.decideOrder(...order)(
      document && { ...document, state: withoutMemory(document.state) },
      ...rest,
    );
