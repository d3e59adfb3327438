import { migrate } from '../../postgres/migrate.ts';
import { openPool } from '../../postgres/pool.ts';
import { openTestDatabase } from '../../testing/postgres.ts';
import { type Counter, describeChangeStore, type EngineTraits } from '../change-store.contract.ts';
import { describeEventLog } from '../event-log.contract.ts';
import { createPostgresChangeStore } from './changes.ts';
import { eventLogMigrations, openPostgresLog } from './log.ts';

const postgres: EngineTraits = {
  name: 'PostgreSQL',
  severalWriters: true,
  handsOutEvents: true,
  async start() {
    const database = await openTestDatabase();
    await migrate(database.url, [eventLogMigrations]);
    await database.admin.query(
      'CREATE TABLE counters (id text COLLATE "C" PRIMARY KEY, version int NOT NULL, sequence bigint NOT NULL, state json NOT NULL)',
    );
    return {
      async openStore() {
        const pool = openPool(database.url, { max: 10, name: 'test' });
        const log = await openPostgresLog(pool, { family: 'test', source: '/test' });
        const store = createPostgresChangeStore<Counter>(pool, { table: 'counters', log });
        return { store, log, close: () => pool.end() };
      },
      close: database.close,
    };
  },
};

describeEventLog(postgres);
describeChangeStore(postgres);
