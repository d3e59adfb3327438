/** The control: the effects are one transaction, and the positions the next. */
import { inPipelinedTransaction } from '@micromart/postgres/pool';
import type * as original from '@micromart/subscription/apply/apply-batch';
import { divide, movesOf } from '@micromart/subscription/apply/batch-item';
import { fence } from '@micromart/subscription/apply/fence';

export { TooManyParked } from '@micromart/subscription/apply/apply-batch';

export const createApplyBatch: typeof original.createApplyBatch =
  ({ pool, subscription, projection }) =>
  async (items) => {
    const moves = movesOf(items);
    const { apply } = divide(items, new Set());
    await inPipelinedTransaction(pool, projection.effects(apply));
    await inPipelinedTransaction(pool, [fence(subscription, moves, { nothingParked: false })]);
    return { applied: apply.length, parked: 0, whole: moves };
  };
