import { arrayLiteral, textArray } from '@micromart/postgres/binary-array';
import type { Client } from '@micromart/postgres/pool';
import { COUNTER_NAMES } from '../counters.ts';
import { type Counts, zerosOf } from '../counts.ts';
import { type Points, runsOf } from '../series.ts';
import { counterColumns } from './postgres-counter-columns.ts';
import { STEPS, startsOf, TABLE } from './postgres-window.ts';
import type { CountStore } from './store.ts';

/** The store's question about counters over time. The text of the prepared statement is built once. */
export function createSeries(names: readonly string[]): CountStore['series'] {
  const { selected, sums, signed } = counterColumns(names);
  const rows = STEPS.map((step, n) => {
    const [point, bucket, sign] = [2, 3, 4].map((first) => `$${first + 3 * n}`);
    return `SELECT nth, point, product_id, ${signed}
      FROM unnest(${point}::int[], ${bucket}::timestamptz[], ${sign}::int[]) AS b (point, bucket, sign)
      CROSS JOIN unnest($1::text[]) WITH ORDINALITY AS p (product_id, nth)
      JOIN ${TABLE[step]} USING (bucket, product_id)`;
  });
  const text = `SELECT nth, point, ${selected} FROM (
      SELECT nth, point, ${sums} FROM (${rows.join(' UNION ALL ')}) w GROUP BY nth, point
    ) sums`;

  return async (client: Client, productIds: readonly string[], points: Points) => {
    const series = productIds.map(() => points.starts.map(() => zerosOf(names)));
    const buckets = bucketsByStep(points);
    if (buckets.every(({ length }) => length === 0)) return series;
    const { rows } = await client.query<{ nth: number; point: number } & Counts>({
      name: 'series',
      text,
      values: [
        textArray(productIds),
        ...buckets.flatMap((some) => [
          arrayLiteral(some.map(({ point }) => point)),
          arrayLiteral(some.map(({ at }) => new Date(at).toISOString())),
          arrayLiteral(some.map(({ sign }) => sign)),
        ]),
      ],
    });
    for (const { nth, point, ...counts } of rows) series[nth - 1]![point] = counts;
    return series;
  };
}

type PointBucket = { readonly point: number; readonly at: number; readonly sign: 1 | -1 };

/** For each step, the buckets of all points. */
function bucketsByStep(points: Points): PointBucket[][] {
  const runs = runsOf(points);
  return STEPS.map((step) =>
    runs.flatMap((some, point) =>
      some
        .filter((run) => run.step === step)
        .flatMap(startsOf)
        .map((bucket) => ({ point, ...bucket })),
    ),
  );
}

export const series = createSeries(COUNTER_NAMES);
