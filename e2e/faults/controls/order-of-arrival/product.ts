/** The control: a product does not remember which order was decided on it last. */
import * as original from '@micromart/catalog-service/product';

export const { decideDue, inForce, nextChangeAt, versionInForce, versionOf } = original;

const NEVER = { job: 0, row: 0, result: 'applied' } as const;

export const decideOrder: typeof original.decideOrder =
  (...order) =>
  (document, ...rest) =>
    original.decideOrder(...order)(
      document && { ...document, state: { ...document.state, decided: NEVER } },
      ...rest,
    );
