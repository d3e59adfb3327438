import { randomBytes } from 'node:crypto';
import type { EventLog } from '@micromart/event-log/event-log';
import type { PositionedEvent } from '@micromart/events/assign-positions';
import type { LoggedEvent } from '@micromart/events/envelope';
import { PARTITIONS } from '@micromart/events/partition';
import type { Sequences } from '@micromart/events/position';
import type { Migrations } from '@micromart/postgres/migrate';
import type { Pool } from '@micromart/postgres/pool';
import { createReads, type Identity, readIdentity, toEvent } from './reads.ts';

export const eventLogMigrations: Migrations = {
  name: 'event_log',
  folder: new URL('./migrations/', import.meta.url),
};

/** A log that this process also writes to. */
export type PostgresEventLog = EventLog & {
  /** Notifies the listeners of a commit's events; `before` has each partition's head before the commit. */
  notifyAppended(events: readonly PositionedEvent[], before: Sequences): void;
};

/**
 * Opens the log of a database, and gives it its identity when it has none: `<family>-<8 hexadecimal digits>`. The schema must
 * exist (eventLogMigrations). `source` is the CloudEvents source of all its events. Rejects with the database's error.
 */
export async function openPostgresLog(
  pool: Pool,
  { family, source }: { family: string; source: string },
): Promise<PostgresEventLog> {
  const identity = await identify(pool, family);
  const listeners = new Set<(events: readonly LoggedEvent[]) => void>();

  return {
    ...identity,
    ...createReads(pool, source, async () => identity),

    notifyAppended(events, before) {
      if (listeners.size === 0) return;
      const logged = events.map(({ offset, ...event }) =>
        toEvent({ ...event, sequence: String(before.get(event.partition)! + offset) }, source),
      );
      for (const listener of listeners) listener(logged);
    },

    onAppended(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

async function identify(pool: Pool, family: string): Promise<Identity> {
  const fresh = `${family}-${randomBytes(4).toString('hex')}`;
  await pool.query(
    `WITH created AS (INSERT INTO event_log (name) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1)
     INSERT INTO event_log_heads (partition) SELECT generate_series(0, $2::int - 1) FROM created`,
    [fresh, PARTITIONS],
  );
  return (await readIdentity(pool))!;
}
