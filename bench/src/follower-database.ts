/** What every follower of P1 writes into, and what it must have come to: the tables of the product's own store. */
import type { Pool } from '@micromart/postgres/pool';
import { columnOf } from '@micromart/shopper-tracking-service/counters';
import { openStore } from '@micromart/shopper-tracking-service/open-store';
import type { CountStore } from '@micromart/shopper-tracking-service/store';
import { requireSame } from './protocol.ts';
import type { Totals } from './workload.ts';

const TABLES = ['counts_total', 'counts_by_minute', 'counts_by_quarter', 'counts_by_hour', 'counts_by_day'];
export const SUBSCRIPTION = 'cart-events';

/** Opens the product's store in an empty database. What fails in use fails its query; the rest is the leg's end. */
export const openCounters = (url: string): Promise<CountStore> => openStore(url, () => {});

/** Starts the positions of a log's partitions at 0, as a subscription does at its first contact. */
export async function startPositions(pool: Pool, log: string, partitions: number): Promise<void> {
  await pool.query('INSERT INTO subscriptions (name, log) VALUES ($1, $2)', [SUBSCRIPTION, log]);
  await pool.query(
    'INSERT INTO subscription_positions (subscription, partition) SELECT $1, generate_series(0, $2::int - 1)',
    [SUBSCRIPTION, partitions],
  );
}

/** How many events the positions say are applied. */
export async function countApplied(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ applied: number }>(
    'SELECT coalesce(sum(sequence), 0)::bigint AS applied FROM subscription_positions WHERE subscription = $1',
    [SUBSCRIPTION],
  );
  return rows[0]!.applied;
}

/** Throws WrongAnswer unless every table sums up to the totals, and the positions to the number of events. */
export async function requireCounted(pool: Pool, totals: Totals, events: number): Promise<void> {
  const sums = Object.keys(totals).map((name) => `sum(${columnOf(name)})::bigint AS "${name}"`);
  for (const table of TABLES) {
    const { rows } = await pool.query<Totals>(`SELECT ${sums.join(', ')} FROM ${table}`);
    requireSame(table, rows[0], totals);
  }
  requireSame('events behind the positions', await countApplied(pool), events);
}
