/** The one PostgreSQL server of a run, with the settings of `npm start`, and a fresh database for every leg. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbeddedServer } from '@micromart/engines/postgres/server';
import { openPool, type Pool } from '@micromart/postgres/pool';
import { freePort } from '@micromart/testing/free-port';

export type Database = { readonly url: string; drop(): Promise<void> };

export type Server = {
  /** As it says itself, such as `18.4`. */
  readonly version: string;
  readonly pid: number;
  createDatabase(): Promise<Database>;
  stop(): Promise<void>;
};

const LEAVE_CAP_MS = 2_000;
const POLL_MS = 10;

/** What an acknowledged commit rests on. */
const DURABLE = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' } as const;

/** Throws when a commit would not be on the disk before it is acknowledged. */
export async function startServer(folder: string): Promise<Server> {
  const server = await startEmbeddedServer({
    folder,
    port: await freePort(),
    superuserPassword: randomBytes(12).toString('hex'),
  });
  const admin = openPool(server.url, { max: 1, name: 'bench' });
  const show = async (setting: string) =>
    String((await admin.query('SELECT current_setting($1) AS value', [setting])).rows[0].value);
  try {
    for (const [setting, wanted] of Object.entries(DURABLE)) {
      const found = await show(setting);
      if (found !== wanted)
        throw new Error(`${setting} is ${found}; a figure is worth nothing unless it is ${wanted}`);
    }
    return {
      version: (await show('server_version')).split(' ')[0]!,
      pid: server.pid,
      async createDatabase() {
        const name = `bench_${randomBytes(6).toString('hex')}`;
        await admin.query(`CREATE DATABASE ${name}`);
        // What one leg left to be written does not burden the next.
        await admin.query('CHECKPOINT');
        const url = new URL(server.url);
        url.pathname = `/${name}`;
        return {
          url: url.href,
          async drop() {
            await awaitLeft(admin, name);
            await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
          },
        };
      },
      async stop() {
        await admin.end();
        await server.stop();
      },
    };
  } catch (error) {
    await admin.end();
    await server.stop();
    throw error;
  }
}

/** A session ends a moment after its client has: dropped meanwhile, it would still complain to a pool that is gone. */
async function awaitLeft(admin: Pool, database: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < LEAVE_CAP_MS; waitedMs += POLL_MS) {
    const { rowCount } = await admin.query('SELECT FROM pg_stat_activity WHERE datname = $1', [database]);
    if (rowCount === 0) return;
    await sleep(POLL_MS);
  }
}

/** Runs a leg on a database of its own. */
export async function onFreshDatabase<T>(server: Server, leg: (url: string) => Promise<T>): Promise<T> {
  const database = await server.createDatabase();
  try {
    return await leg(database.url);
  } finally {
    await database.drop();
  }
}
