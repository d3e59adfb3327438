import { arrayLiteral, textArray } from '@micromart/postgres/binary-array';
import type { Statement } from '@micromart/postgres/statement';
import type { Row, Tally } from '../counts.ts';

const upsert = (table: string, bucketed: boolean, first: number): string => {
  const key = bucketed ? 'bucket, product_id' : 'product_id';
  const columns = [
    ...(bucketed ? [`$${first}::timestamptz[]`] : []),
    `$${first + 1}::text[]`,
    ...[2, 3, 4, 5].map((n) => `$${first + n}::bigint[]`),
  ];
  return `INSERT INTO ${table} AS c (${key}, added, removed, units_added, units_removed)
    SELECT * FROM unnest(${columns.join(', ')})
    ON CONFLICT (${key}) DO UPDATE SET added = c.added + excluded.added, removed = c.removed + excluded.removed,
      units_added = c.units_added + excluded.units_added, units_removed = c.units_removed + excluded.units_removed`;
};

const STATEMENT = `
WITH minutes AS (${upsert('counts_by_minute', true, 1)}),
     hours AS (${upsert('counts_by_hour', true, 7)}),
     days AS (${upsert('counts_by_day', true, 13)})
${upsert('counts_total', false, 18)}`;

/** Adds a batch's sums to the counters, all of them in one statement. */
export const addTally = ({ minute, hour, day, total }: Tally): readonly Statement[] =>
  total.length === 0
    ? []
    : [
        {
          name: 'add_tally',
          text: STATEMENT,
          values: [...buckets(minute), ...buckets(hour), ...buckets(day), ...counters(total)],
        },
      ];

const buckets = (rows: readonly Row[]) => [
  arrayLiteral(rows.map(({ bucket }) => new Date(bucket).toISOString())),
  ...counters(rows),
];

const counters = (rows: readonly Row[]) => [
  textArray(rows.map(({ productId }) => productId)),
  arrayLiteral(rows.map(({ added }) => added)),
  arrayLiteral(rows.map(({ removed }) => removed)),
  arrayLiteral(rows.map(({ unitsAdded }) => unitsAdded)),
  arrayLiteral(rows.map(({ unitsRemoved }) => unitsRemoved)),
];
