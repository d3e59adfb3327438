import type { Client } from '@micromart/postgres/pool';
import { COUNTER_NAMES } from '../counters.ts';
import { type Counts, zerosOf } from '../counts.ts';
import { counterColumns } from './postgres-counter-columns.ts';
import { bucketsOf, readCoverage, windowRows } from './postgres-window.ts';
import type { CountStore } from './store.ts';

/** The store's questions about one product. The texts of prepared statements are built once, and never change. */
export function createQueries(names: readonly string[]): Pick<CountStore, 'total' | 'within'> {
  const columns = counterColumns(names);
  const totalText = `SELECT ${columns.selected} FROM counts_total WHERE product_id = $1`;
  const windowText = `
    SELECT ${columns.selected} FROM (SELECT ${columns.sums} FROM (${windowRows(columns, 3)} UNION ALL
      SELECT product_id, ${columns.all} FROM counts_total WHERE $2::boolean) w
    WHERE product_id = $1) sums`;
  const zeros = zerosOf(names);

  async function total(client: Client, productId: string): Promise<Counts> {
    const { rows } = await client.query<Counts>({ name: 'total', text: totalText, values: [productId] });
    return rows[0] ?? zeros;
  }

  return {
    total,

    async within(client, productId, window) {
      const coverage = await readCoverage(client, window);
      if (coverage.fromTotal && coverage.buckets === 0) return total(client, productId);
      const { rows } = await client.query<Counts>({
        name: 'window',
        text: windowText,
        values: [productId, coverage.fromTotal, ...bucketsOf(coverage)],
      });
      return rows[0]!;
    },
  };
}

export const queries = createQueries(COUNTER_NAMES);
