import { randomBytes } from 'node:crypto';
import type { LoggedEvent } from '../../contracts/envelope.ts';
import type { Migrations } from '../../postgres/migrate.ts';
import type { Pool } from '../../postgres/pool.ts';
import type { EventLog } from '../event-log.ts';
import { PARTITIONS } from '../partition.ts';

export const eventLogMigrations: Migrations = {
  name: 'event_log',
  folder: new URL('../migrations/', import.meta.url),
};

/** A log that also takes the news of this process's own commits. */
export type PostgresEventLog = EventLog & { appended(): void };

type EventRow = Omit<
  LoggedEvent,
  'specversion' | 'source' | 'datacontenttype' | 'partitionkey' | 'traceparent'
> & {
  time: Date;
  key: string;
  traceparent: string | null;
};

const COLUMNS = 'partition, sequence::text, id, type, subject, key, time, traceparent, data';

/**
 * Opens the log of a database, giving it its identity when it has none: `<family>-<8 hexadecimal digits>`. The schema
 * must be there (eventLogMigrations). `source` is the CloudEvents source of all its events.
 */
export async function openPostgresLog(
  pool: Pool,
  { family, source }: { family: string; source: string },
): Promise<PostgresEventLog> {
  const { name, partitions } = await identify(pool, family);
  const listeners = new Set<() => void>();

  return {
    name,
    partitions,

    async heads() {
      // now() is the statement's start, and its snapshot is taken after that: hence "no later than the heads".
      const { rows } = await pool.query<{ at: Date; partition: number; last: number }>({
        name: 'heads',
        text: 'SELECT now() AS at, partition, last FROM event_log_heads ORDER BY partition',
      });
      return { log: name, at: rows[0]!.at, last: new Map(rows.map((row) => [row.partition, row.last])) };
    },

    async page(partition, after, limit) {
      const { rows } = await pool.query<EventRow>({
        name: 'page',
        text: `SELECT ${COLUMNS} FROM event_log_events e
               WHERE partition = $1 AND e.sequence > $2 ORDER BY e.sequence LIMIT $3`,
        values: [partition, after, limit],
      });
      return rows.map((row) => toEvent(row, source));
    },

    async news(after, limit) {
      const { rows } = await pool.query<EventRow>({
        name: 'news',
        text: `SELECT e.* FROM unnest($1::int[], $2::bigint[]) AS a (partition, after) CROSS JOIN LATERAL (
                 SELECT ${COLUMNS} FROM event_log_events e
                 WHERE e.partition = a.partition AND e.sequence > a.after ORDER BY e.sequence LIMIT $3) e`,
        values: [[...after.keys()], [...after.values()], Math.max(1, Math.floor(limit / partitions))],
      });
      return rows.map((row) => toEvent(row, source));
    },

    appended() {
      for (const listener of listeners) listener();
    },

    onAppended(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

async function identify(pool: Pool, family: string): Promise<{ name: string; partitions: number }> {
  const fresh = `${family}-${randomBytes(4).toString('hex')}`;
  await pool.query(
    `WITH born AS (INSERT INTO event_log (name) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1)
     INSERT INTO event_log_heads (partition) SELECT generate_series(0, $2::int - 1) FROM born`,
    [fresh, PARTITIONS],
  );
  const { rows } = await pool.query<{ name: string; partitions: number }>(
    'SELECT name, (SELECT count(*) FROM event_log_heads) AS partitions FROM event_log',
  );
  return rows[0]!;
}

const toEvent = ({ key, traceparent, time, data, ...row }: EventRow, source: string): LoggedEvent => ({
  specversion: '1.0',
  ...row,
  source,
  time: time.toISOString(),
  datacontenttype: 'application/json',
  partitionkey: key,
  ...(traceparent && { traceparent }),
  data,
});
