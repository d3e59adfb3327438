import { arrayLiteral, textArray } from '@micromart/postgres/binary-array';
import type { Statement } from '@micromart/postgres/statement';
import type { Step } from '../buckets.ts';
import { COUNTER_NAMES, columnOf } from '../counters.ts';
import type { BucketOfSums, Sum, Tally } from '../counts.ts';
import { TABLE } from './postgres-window.ts';

/** The order in which their tables are written. */
const WRITING_ORDER: readonly Step[] = ['minute', 'quarter', 'hour', 'day'];

/**
 * Adds a batch's sums of these counters to the counts of minutes, quarter hours, hours, days, and in total. Parameters are
 * the arrays of the total, product before counters; then for each step its buckets and arrays of its own, or for one of
 * `whole`, in one bucket of which all of the batch lies, this bucket alone.
 */
export function tallyStatement(names: readonly string[], whole: readonly Step[] = []): string {
  const counters = names.map(columnOf);
  let parameters = 0;
  const parameter = (type: string): string => {
    parameters += 1;
    return `$${parameters}::${type}`;
  };
  const sums = () => ['text[]', ...counters.map(() => 'bigint[]')].map(parameter).join(', ');
  const upsert = (table: string, keys: string, rows: string): string => `
    INSERT INTO ${table} AS c (${keys}, ${counters.join(', ')}) ${rows}
    ON CONFLICT (${keys}) DO UPDATE SET
      ${counters.map((column) => `${column} = c.${column} + excluded.${column}`).join(', ')}`;
  const batch = `batch AS (SELECT * FROM unnest(${sums()}))`;
  const written = WRITING_ORDER.map((step) => {
    const rows = whole.includes(step)
      ? `SELECT ${parameter('timestamptz')}, * FROM batch`
      : `SELECT * FROM unnest(${parameter('timestamptz[]')}, ${sums()})`;
    return `${step}s AS (${upsert(TABLE[step], 'bucket, product_id', rows)})`;
  });
  return `WITH ${[batch, ...written].join(', ')} ${upsert('counts_total', 'product_id', 'SELECT * FROM batch')}`;
}

/**
 * What adds a batch's sums to the counters, in one statement. Counters that nothing in the batch raises are left out, so
 * events that move products do not pay for those of closes; and arrays are sent once for all steps in one bucket of which
 * the batch lies. There is one text for each set of counters and of such steps that occurs.
 */
export function createAddTally(names: readonly string[]): (tally: Tally) => readonly Statement[] {
  const texts = new Map<string, string>();
  const textOf = (raised: readonly number[], whole: readonly Step[]): { name: string; text: string } => {
    const name = ['add_tally', ...raised, ...whole].join('_');
    const raisedNames = raised.map((n) => names[n]!);
    const text = texts.get(name) ?? tallyStatement(raisedNames, whole);
    texts.set(name, text);
    return { name, text };
  };

  return (tally) => {
    const { total } = tally;
    const raised = [...names.keys()].filter((n) => total.some(({ counts }) => counts[n] !== 0));
    if (raised.length === 0) return [];
    const arraysOf = (sums: readonly Sum[]) => [
      textArray(sums.map(({ productId }) => productId)),
      ...raised.map((n) => arrayLiteral(sums.map(({ counts }) => counts[n]!))),
    ];
    const isWhole = (step: Step) => tally[step].length === 1 && tally[step][0]!.sums === total;
    const ofSteps = WRITING_ORDER.flatMap((step) =>
      isWhole(step)
        ? [startOf(tally[step][0]!)]
        : [
            arrayLiteral(tally[step].flatMap((one) => Array<string>(one.sums.length).fill(startOf(one)))),
            ...arraysOf(tally[step].flatMap(({ sums }) => sums)),
          ],
    );
    return [{ ...textOf(raised, WRITING_ORDER.filter(isWhole)), values: [...arraysOf(total), ...ofSteps] }];
  };
}

const startOf = ({ bucket }: BucketOfSums): string => new Date(bucket).toISOString();

export const addTally = createAddTally(COUNTER_NAMES);
