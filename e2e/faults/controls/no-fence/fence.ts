/** The control: positions are moved on, but not compared, and nobody is refused. */
import { arrayLiteral } from '@micromart/postgres/binary-array';
import type * as original from '@micromart/subscription/apply/fence';

export * from '@micromart/subscription/apply/fence';

export const fence: typeof original.fence = (subscription, moves) => ({
  text: `UPDATE subscription_positions p SET sequence = GREATEST(p.sequence, m.till), head = GREATEST(p.head, m.till)
    FROM unnest($2::int[], $3::bigint[]) AS m (partition, till)
    WHERE p.subscription = $1 AND p.partition = m.partition`,
  values: [
    subscription,
    arrayLiteral(moves.map(({ partition }) => partition)),
    arrayLiteral(moves.map(({ to }) => to)),
  ],
});
