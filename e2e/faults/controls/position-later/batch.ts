/** The control: the effects are one transaction, and the positions the next. */
import { inOneTrip } from '@micromart/shared/postgres/pool';
import type * as original from '@micromart/shared/subscription/batch';
import { fence } from '@micromart/shared/subscription/fence';
import { divide, movesOf } from '@micromart/shared/subscription/item';

export { TooManyParked } from '@micromart/shared/subscription/batch';

export const createApplyBatch: typeof original.createApplyBatch =
  ({ pool, subscription, projection }) =>
  async (items) => {
    const moves = movesOf(items);
    const { apply } = divide(items, new Set());
    await inOneTrip(pool, projection.effects(apply));
    await inOneTrip(pool, [fence(subscription, moves, { nothingParked: false })]);
    return { applied: apply.length, parked: 0, whole: moves };
  };
