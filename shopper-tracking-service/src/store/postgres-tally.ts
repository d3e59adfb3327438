import { arrayLiteral, textArray } from '@micromart/postgres/binary-array';
import type { Statement } from '@micromart/postgres/statement';
import { COUNTER_NAMES, columnOf } from '../counters.ts';
import type { Row, Tally } from '../counts.ts';

/** Adds rows to a table of counts; the arrays of its columns are parameters from `$first` on, keys before counters. */
const upsert = (table: string, keys: readonly Key[], counters: readonly string[], first: number): string => {
  const keyNames = keys.map(({ name }) => name).join(', ');
  const types = [...keys.map(({ type }) => type), ...counters.map(() => 'bigint')];
  const arrays = types.map((type, n) => `$${first + n}::${type}[]`);
  const additions = counters.map((column) => `${column} = c.${column} + excluded.${column}`);
  return `INSERT INTO ${table} AS c (${keyNames}, ${counters.join(', ')})
    SELECT * FROM unnest(${arrays.join(', ')})
    ON CONFLICT (${keyNames}) DO UPDATE SET ${additions.join(', ')}`;
};

type Key = { readonly name: string; readonly type: string };

const PRODUCT: readonly Key[] = [{ name: 'product_id', type: 'text' }];
const BUCKET_AND_PRODUCT: readonly Key[] = [{ name: 'bucket', type: 'timestamptz' }, ...PRODUCT];

/** Adds a batch's sums of these counters to the counts of minutes, quarter hours, hours, days, and in total. */
export function tallyStatement(names: readonly string[]): string {
  const counters = names.map(columnOf);
  const width = BUCKET_AND_PRODUCT.length + counters.length;
  return `
WITH minutes AS (${upsert('counts_by_minute', BUCKET_AND_PRODUCT, counters, 1)}),
     quarters AS (${upsert('counts_by_quarter', BUCKET_AND_PRODUCT, counters, 1 + width)}),
     hours AS (${upsert('counts_by_hour', BUCKET_AND_PRODUCT, counters, 1 + 2 * width)}),
     days AS (${upsert('counts_by_day', BUCKET_AND_PRODUCT, counters, 1 + 3 * width)})
${upsert('counts_total', PRODUCT, counters, 1 + 4 * width)}`;
}

/**
 * What adds a batch's sums to the counters, in one statement. Counters that nothing in the batch raises are left out, so
 * events that move products do not pay for those of closes; there is one text for each set of counters that occurs.
 */
export function createAddTally(names: readonly string[]): (tally: Tally) => readonly Statement[] {
  const texts = new Map<string, string>();
  const textOf = (raised: readonly number[]): { name: string; text: string } => {
    const name = `add_tally_${raised.join('_')}`;
    const text = texts.get(name) ?? tallyStatement(raised.map((n) => names[n]!));
    texts.set(name, text);
    return { name, text };
  };

  return ({ minute, quarter, hour, day, total }) => {
    const raised = [...names.keys()].filter((n) => total.some(({ counts }) => counts[n] !== 0));
    if (raised.length === 0) return [];
    const counts = (rows: readonly Row[]) => [
      textArray(rows.map(({ productId }) => productId)),
      ...raised.map((n) => arrayLiteral(rows.map((row) => row.counts[n]!))),
    ];
    const bucketed = (rows: readonly Row[]) => [
      arrayLiteral(rows.map(({ bucket }) => new Date(bucket).toISOString())),
      ...counts(rows),
    ];
    return [
      { ...textOf(raised), values: [...[minute, quarter, hour, day].flatMap(bucketed), ...counts(total)] },
    ];
  };
}

export const addTally = createAddTally(COUNTER_NAMES);
