/** The control: positions are moved on, but not compared, and nobody is refused. */
import * as original from '@micromart/shared/subscription/fence';

export const { BEGIN_FENCED, StaleFence, countParked } = original;

export const movePositions: typeof original.movePositions = async (client, subscription, moves) => {
  await client.query(
    `UPDATE subscription_positions p SET sequence = GREATEST(p.sequence, m.till), head = GREATEST(p.head, m.till)
     FROM unnest($2::int[], $3::bigint[]) AS m (partition, till)
     WHERE p.subscription = $1 AND p.partition = m.partition`,
    [subscription, moves.map(({ partition }) => partition), moves.map(({ to }) => to)],
  );
  return new Map();
};
