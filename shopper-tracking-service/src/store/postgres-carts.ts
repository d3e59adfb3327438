import { arrayLiteral } from '@micromart/postgres/binary-array';
import type { Client } from '@micromart/postgres/pool';
import type { Statement } from '@micromart/postgres/statement';
import { STEP_MS } from '../buckets.ts';
import type { CartChanges, CartCounts } from '../carts.ts';
import type { Points } from '../series.ts';

const QUARTER_S = STEP_MS.quarter / 1_000;
const quarterOf = (ms: string): string =>
  `to_timestamp(floor(${ms} / ${STEP_MS.quarter}.0) * ${QUARTER_S}) AS started`;

/**
 * Adds carts, and closes them. All changes of a batch to a row are summed, and rows are locked in the order of their key, so
 * that no two writers deadlock. A close of a cart that never held a product finds no start, and counts nothing.
 */
const TEXT = `
WITH filled AS (
  INSERT INTO open_carts (cart_id, started_ms) SELECT * FROM unnest($1::uuid[], $2::bigint[])
  ON CONFLICT DO NOTHING RETURNING started_ms
), closing AS (
  SELECT * FROM unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::text[]) AS c (cart_id, started_ms, closed_ms, outcome)
), gone AS (
  DELETE FROM open_carts o USING closing c WHERE o.cart_id = c.cart_id RETURNING o.cart_id, o.started_ms
), changes AS (
  SELECT started_ms, NULL::bigint AS closed_ms, 1 AS open, NULL AS outcome FROM filled
  UNION ALL SELECT started_ms, NULL, -1, NULL FROM gone
  UNION ALL SELECT least(c.started_ms, g.started_ms), c.closed_ms, 0, c.outcome FROM closing c LEFT JOIN gone g USING (cart_id)
)
INSERT INTO carts_by_quarter AS c (started, closed, open, bought, abandoned, emptied)
SELECT ${quarterOf('started_ms')},
  coalesce(to_timestamp(floor(closed_ms / ${STEP_MS.quarter}.0) * ${QUARTER_S}), 'infinity') AS closed,
  sum(open), count(*) FILTER (WHERE outcome = 'bought'), count(*) FILTER (WHERE outcome = 'abandoned'),
  count(*) FILTER (WHERE outcome = 'emptied')
FROM changes WHERE started_ms IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (started, closed) DO UPDATE SET open = c.open + excluded.open, bought = c.bought + excluded.bought,
  abandoned = c.abandoned + excluded.abandoned, emptied = c.emptied + excluded.emptied`;

/** What changes carts as a batch says, in one statement. */
export function changeCarts({ filled, closed }: CartChanges): readonly Statement[] {
  if (filled.length === 0 && closed.length === 0) return [];
  return [
    {
      name: 'change_carts',
      text: TEXT,
      values: [
        arrayLiteral(filled.map(({ cartId }) => cartId)),
        arrayLiteral(filled.map(({ startedMs }) => startedMs)),
        arrayLiteral(closed.map(({ cartId }) => cartId)),
        arrayLiteral(closed.map(({ startedMs }) => startedMs ?? null)),
        arrayLiteral(closed.map(({ closedMs }) => closedMs)),
        arrayLiteral(closed.map(({ outcome }) => outcome)),
      ],
    },
  ];
}

const NONE: CartCounts = { bought: 0, abandoned: 0, emptied: 0, open: 0 };

/**
 * The carts that were started in each point, as they stood at a time; as they stand where `asOfMs` is undefined. Carts that
 * were closed later were open then.
 */
export async function carts(
  client: Client,
  { starts, end }: Points,
  asOfMs: number | undefined,
): Promise<CartCounts[]> {
  const counts = starts.map(() => NONE);
  if (starts.length === 0) return counts;
  const { rows } = await client.query<{ point: number } & CartCounts>({
    name: 'carts',
    text: `SELECT width_bucket(started, $1::timestamptz[]) AS point,
        coalesce(sum(bought) FILTER (WHERE closed < $4), 0)::bigint AS bought,
        coalesce(sum(abandoned) FILTER (WHERE closed < $4), 0)::bigint AS abandoned,
        coalesce(sum(emptied) FILTER (WHERE closed < $4), 0)::bigint AS emptied,
        (sum(open) + coalesce(sum(bought + abandoned + emptied) FILTER (WHERE closed >= $4), 0))::bigint AS open
      FROM carts_by_quarter WHERE started >= $2 AND started < $3 GROUP BY 1`,
    values: [
      arrayLiteral(starts.map((start) => new Date(start).toISOString())),
      new Date(starts[0]!),
      new Date(end),
      asOfMs === undefined ? 'infinity' : new Date(asOfMs),
    ],
  });
  for (const { point, ...found } of rows) counts[point - 1] = found;
  return counts;
}
