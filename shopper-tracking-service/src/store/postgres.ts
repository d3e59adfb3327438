import { migrate } from '@micromart/shared/postgres/migrate';
import { checkAnswers, openPool } from '@micromart/shared/postgres/pool';
import { subscriptionMigrations } from '@micromart/shared/subscription/migrations';
import { readList, readTotal, readWindow } from './postgres-queries.ts';
import { startSweep } from './postgres-sweep.ts';
import { addTally } from './postgres-tally.ts';
import type { CountStore } from './store.ts';

const MAX_CONNECTIONS = 10;

/** Lists take milliseconds, and starting workers or a compiler for one takes longer than they save (104 against 53 ms). */
const READER_SETTINGS = { max_parallel_workers_per_gather: '0', jit: 'off' };

const migrations = [
  subscriptionMigrations,
  { name: 'counts', folder: new URL('./migrations/', import.meta.url) },
];

export async function openPostgresStore(url: string, onError: (error: unknown) => void): Promise<CountStore> {
  await migrate(url, migrations);
  const pool = openPool(url, {
    max: MAX_CONNECTIONS,
    name: 'shopper-tracking-service',
    settings: READER_SETTINGS,
    onIdleError: onError,
  });
  const sweep = startSweep(pool, onError);

  return {
    pool,
    addition: addTally,
    total: readTotal,
    within: readWindow,
    list: readList,
    check: () => checkAnswers(pool),
    async close() {
      sweep.close();
      await pool.end();
    },
  };
}
