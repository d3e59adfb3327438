/** The counters as a read model with generations. */
import type { Migrations } from '@micromart/postgres/migrate';
import type { CounterTable } from '@micromart/subscription/generations/counter-table';
import type { ReadModel } from '@micromart/subscription/generations/read-model';
import { createTableModel } from '@micromart/subscription/generations/table-model';
import type { Projection } from '@micromart/subscription/projection';
import { COUNTER_NAMES, columnOf } from '../counters.ts';
import { CLOSES_SINCE, COUNTED_SINCE, QUARTERS_SINCE, SHAPE } from '../shape.ts';
import { createChangesSweep } from './postgres-changes-sweep.ts';
import { createMinuteSweep } from './postgres-sweep.ts';

export const countsMigrations: Migrations = {
  name: 'counts',
  folder: new URL('./migrations/', import.meta.url),
};

const FIRST_SHAPE = 1;
const BUCKET = ['bucket', 'product_id'];

/** Each counter's column, and the shape since which it is complete in a table that is itself complete since `tableSince`. */
const counters = (tableSince = FIRST_SHAPE): CounterTable['counters'] =>
  Object.fromEntries(
    COUNTER_NAMES.map((name) => [columnOf(name), Math.max(COUNTED_SINCE[name] ?? FIRST_SHAPE, tableSince)]),
  );

const CARTS = Object.fromEntries(
  ['open', 'bought', 'abandoned', 'emptied'].map((name) => [name, CLOSES_SINCE]),
);

const TABLES: readonly CounterTable[] = [
  { name: 'counts_total', keys: ['product_id'], counters: counters() },
  { name: 'counts_by_minute', keys: BUCKET, counters: counters(), swept: true },
  { name: 'counts_by_quarter', keys: BUCKET, counters: counters(QUARTERS_SINCE) },
  { name: 'counts_by_hour', keys: BUCKET, counters: counters() },
  { name: 'counts_by_day', keys: BUCKET, counters: counters() },
  { name: 'carts_by_quarter', keys: ['started', 'closed'], counters: CARTS },
  { name: 'open_carts', keys: ['cart_id'], counters: { started_ms: CLOSES_SINCE } },
];

export const createCountsModel = <E>({
  name,
  url,
  projection,
  now,
  onError,
}: {
  name: string;
  url: string;
  projection: Projection<E>;
  now: () => Date;
  onError: (error: unknown) => void;
}): ReadModel<E> =>
  createTableModel({
    ...{ name, url, onError, shape: SHAPE, tables: TABLES, migrations: countsMigrations },
    projection: () => projection,
    sweeps: (pool) => [createMinuteSweep(pool, now), createChangesSweep(pool, now)],
  });
