/** The control: the effects are one transaction, and the positions the next. */
import { inTransaction } from '@micromart/shared/postgres/pool';
import type * as original from '@micromart/shared/subscription/batch';
import { BEGIN_FENCED, movePositions } from '@micromart/shared/subscription/fence';
import { divide, movesOf } from '@micromart/shared/subscription/item';

export { TooManyParked } from '@micromart/shared/subscription/batch';

export const applyBatch: typeof original.applyBatch = async ({ pool, subscription, projection }, items) => {
  const moves = movesOf(items);
  const { apply } = divide(items, new Set());
  await inTransaction(pool, (client) => projection.apply(client, apply), BEGIN_FENCED);
  await inTransaction(pool, (client) => movePositions(client, subscription, moves), BEGIN_FENCED);
  return { applied: apply.length, parked: 0, whole: moves };
};
