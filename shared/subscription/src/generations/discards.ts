/**
 * Events that operators have given up, by model, log and position: no generation counts them. They are remembered by a trigger
 * of the database, so a version from before generations writes them down too.
 */
import type { Pool } from '@micromart/postgres/pool';
import type { IsDiscarded } from '../apply/batch-item.ts';

export type Discards = {
  readonly isDiscarded: IsDiscarded;
  refresh(): Promise<void>;
};

type Row = { readonly log: string; readonly partition: number; readonly sequence: number };

export function createDiscards(pool: Pool, model: string): Discards {
  let known: ReadonlySet<string> = new Set();
  const keyOf = (log: string, partition: number, sequence: number | string) =>
    `${log}/${partition}@${sequence}`;
  return {
    isDiscarded: (log, { partition, sequence }) => known.has(keyOf(log, partition, sequence)),
    async refresh() {
      const { rows } = await pool.query<Row>(
        'SELECT log, partition, sequence FROM discarded_events WHERE model = $1',
        [model],
      );
      known = new Set(rows.map(({ log, partition, sequence }) => keyOf(log, partition, sequence)));
    },
  };
}
