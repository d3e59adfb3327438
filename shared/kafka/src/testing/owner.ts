import {
  eventLogMigrations,
  openPostgresLog,
  type PostgresEventLog,
} from '@micromart/event-log-postgres/log';
import { migrate } from '@micromart/postgres/migrate';
import { openPool, type Pool } from '@micromart/postgres/pool';
import { openTestDatabase } from '@micromart/testing/postgres';
import { relayMigrations } from '../migrations.ts';

/** For tests: an owner's database, with a log to relay. */
export type TestOwner = {
  readonly url: string;
  readonly pool: Pool;
  readonly log: PostgresEventLog;
  /** Commits events to a partition, as another process of the owner would: this process is not notified. */
  append(partition: number, events: number): Promise<void>;
  close(): Promise<void>;
};

export async function openTestOwner(): Promise<TestOwner> {
  const database = await openTestDatabase();
  await migrate(database.url, [eventLogMigrations, relayMigrations]);
  const pool = openPool(database.url, { max: 5, name: 'owner' });
  const log = await openPostgresLog(pool, { family: 'test', source: '/test' });
  return {
    url: database.url,
    pool,
    log,
    async append(partition, events) {
      await pool.query(
        `WITH head AS (UPDATE event_log_heads SET last = last + $2 WHERE partition = $1 RETURNING last - $2 AS since)
         INSERT INTO event_log_events (partition, sequence, id, type, subject, key, time, data)
         SELECT $1, since + n, gen_random_uuid(), 'test.counted', 'a', 'key-' || n % 7, now(), json_build_object('n', n)
         FROM head, generate_series(1, $2::int) n`,
        [partition, events],
      );
    },
    async close() {
      await pool.end();
      await database.close();
    },
  };
}
