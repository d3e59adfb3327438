import type { EventLog } from '@micromart/event-log/event-log';
import { relayMigrations } from '@micromart/kafka/migrations';
import { type Relay, type RelaySettings, startRelay } from '@micromart/kafka/relay';
import { migrate } from '@micromart/postgres/migrate';
import { openPool } from '@micromart/postgres/pool';

const MAX_CONNECTIONS = 2;

/**
 * Publishes the catalog's log, from either engine. The relay stores its state in the queue's database, where it also takes
 * the lock by which one of several workers publishes.
 */
export async function openRelay(
  log: EventLog,
  { queueUrl, ...settings }: { queueUrl: string } & Omit<RelaySettings, 'log' | 'pool' | 'lockUrl'>,
): Promise<Relay> {
  await migrate(queueUrl, [relayMigrations]);
  const pool = openPool(queueUrl, {
    max: MAX_CONNECTIONS,
    name: 'catalog-worker relay',
    onIdleError: (error) => settings.logger.warn({ err: error }, 'relay'),
  });
  const relay = startRelay({ log, pool, lockUrl: queueUrl, ...settings });
  return {
    check: relay.check,
    async close() {
      await relay.close();
      await pool.end();
    },
  };
}
