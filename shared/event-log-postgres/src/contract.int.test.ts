import {
  type Counter,
  describeChangeStore,
  type EngineTraits,
} from '@micromart/event-log/change-store.contract';
import { describeEventLog } from '@micromart/event-log/event-log.contract';
import { migrate } from '@micromart/postgres/migrate';
import { openPool } from '@micromart/postgres/pool';
import { openTestDatabase } from '@micromart/testing/postgres';
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
