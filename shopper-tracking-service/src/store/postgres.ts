import { migrate } from '@micromart/postgres/migrate';
import { checkAnswers, openPool } from '@micromart/postgres/pool';
import { createActsSweep } from '@micromart/subscription/acts/acts';
import { subscriptionMigrations } from '@micromart/subscription/migrations';
import { startSweeping } from '@micromart/sweeping/sweeping';
import { annotationMigrations, createAnnotationKeySweep, createAnnotations } from './postgres-annotations.ts';
import { carts, changeCarts } from './postgres-carts.ts';
import { changesSince, keptChanges } from './postgres-changes.ts';
import { createChangesSweep } from './postgres-changes-sweep.ts';
import { countsMigrations, createCountsModel } from './postgres-generations.ts';
import { linesMissed } from './postgres-lines.ts';
import { lists } from './postgres-list.ts';
import { queries } from './postgres-queries.ts';
import { series } from './postgres-series.ts';
import { readSince } from './postgres-since.ts';
import { createMinuteSweep } from './postgres-sweep.ts';
import { addTally } from './postgres-tally.ts';
import type { CountStore } from './store.ts';

const NAME = 'shopper-tracking-service';

const MAX_CONNECTIONS = 10;
/** So many questions over many rows run at a time; more would only slow down the writer. */
const MAX_LIST_CONNECTIONS = 3;
const MAX_LIST_STATEMENT_MS = 2_000;
/** Exports are read as slowly as they are taken, so they have connections of their own. */
const MAX_EXPORT_CONNECTIONS = 2;
const MAX_EXPORT_STATEMENT_MS = 10_000;
/** One for those who listen, one for those who come back. */
const MAX_CHANGES_CONNECTIONS = 2;
const MAX_CHANGES_STATEMENT_MS = 2_000;

/** Enough to add up a hundred thousand products without writing them to a disk. */
const LIST_MEMORY = '32MB';

/** Lists take milliseconds; starting parallel workers or the compiler for one takes longer than it saves. */
const READER_SETTINGS = { max_parallel_workers_per_gather: '0', jit: 'off' };
const LIST_SETTINGS = { ...READER_SETTINGS, work_mem: LIST_MEMORY };

export async function openPostgresStore(
  url: string,
  onError: (error: unknown) => void,
  now: () => Date,
): Promise<CountStore> {
  await migrate(url, [subscriptionMigrations, countsMigrations, annotationMigrations]);
  const open = (name: string, max: number, settings: Readonly<Record<string, string>>) =>
    openPool(url, { max, name, settings, onIdleError: onError });
  const limited = (maxMs: number) => ({ statement_timeout: String(maxMs) });
  const pool = open(NAME, MAX_CONNECTIONS, READER_SETTINGS);
  const listPool = open(`${NAME} lists`, MAX_LIST_CONNECTIONS, {
    ...LIST_SETTINGS,
    ...limited(MAX_LIST_STATEMENT_MS),
  });
  const exportPool = open(`${NAME} exports`, MAX_EXPORT_CONNECTIONS, {
    ...LIST_SETTINGS,
    ...limited(MAX_EXPORT_STATEMENT_MS),
  });
  const changesPool = open(`${NAME} changes`, MAX_CHANGES_CONNECTIONS, {
    ...READER_SETTINGS,
    ...limited(MAX_CHANGES_STATEMENT_MS),
  });
  const sweeping = startSweeping(
    [
      createMinuteSweep(pool, now),
      createChangesSweep(pool, now),
      createAnnotationKeySweep(pool),
      createActsSweep(pool),
    ],
    { onError },
  );

  return {
    pool,
    listPool,
    exportPool,
    changesPool,
    sweeps: sweeping.sweeps,
    addition: addTally,
    changeCarts,
    carts,
    linesMissed,
    linesFrom: (client) => readSince(client, 'lines_complete'),
    readModel: (name, projection) => createCountsModel({ name, url, projection, now, onError }),
    ...queries,
    ...lists,
    series,
    quartersFrom: (client) => readSince(client, 'quarters_complete'),
    annotations: createAnnotations(pool),
    keptChanges,
    changesSince,
    check: () => checkAnswers(pool),
    async close() {
      await sweeping.close();
      await Promise.all([pool.end(), listPool.end(), exportPool.end(), changesPool.end()]);
    },
  };
}
