/**
 * The database server of a system under faults: prepared by the launcher's plan and kept running by the launcher's
 * supervision, but on a server of its own, so that a proxy can stand between it and the services. It flushes to disk as
 * in earnest.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readPidFile } from '@micromart/engines/postgres/leftover';
import { prepareDatabases, roleUrl } from '@micromart/launcher/databases';
import { startEmbeddedPostgres } from '@micromart/launcher/embedded-postgres';
import type { DatabasePlan } from '@micromart/launcher/plan';
import { openPool } from '@micromart/postgres/pool';

export type Database = {
  readonly port: number;
  /** A database's URL in the name of its owner. */
  urlOf(database: string): string;
  /** Makes every commit in a database take this long, as on a slow disk; for connections opened from now on. */
  slowCommits(database: string, ms: number): Promise<void>;
  /** Whether a transaction of a database is in the middle of its commit. */
  isCommitting(database: string): Promise<boolean>;
  /** The process ids of the server: the first is the one that all others end with. */
  pids(): Promise<number[]>;
  stop(): Promise<void>;
};

const MAX_COMMIT_DELAY_MS = 100;
const LONGEST_STATEMENT_MS = 3;

export async function openDatabase({
  home,
  port,
  databases,
}: {
  home: string;
  port: number;
  databases: readonly DatabasePlan[];
}): Promise<Database> {
  const folder = join(home, 'postgres');
  const secret = randomBytes(16).toString('hex');
  const server = await startEmbeddedPostgres({ folder, port, superuserPassword: secret, print: () => {} });
  const pool = openPool(server.url, { max: 1, name: 'faults' });
  const stop = async () => {
    await pool.end();
    await server.stop();
  };
  try {
    await prepareDatabases(server.url, databases, () => secret);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    urlOf: (database) => {
      const { owner } = databases.find(({ name }) => name === database)!;
      return roleUrl(server.url, database, owner, secret);
    },
    async slowCommits(database, ms) {
      const delayUs = Math.min(ms, MAX_COMMIT_DELAY_MS) * 1_000;
      // A commit then waits for others to share its flush, also when there are none (PostgreSQL manual, 19.5.1).
      await pool.query(`ALTER DATABASE ${database} SET commit_delay = ${delayUs}`);
      await pool.query(`ALTER DATABASE ${database} SET commit_siblings = 0`);
    },
    async isCommitting(database) {
      // What has written and began its last statement a while ago: a transaction without COMMIT shows that one to the end.
      const { rowCount } = await pool.query(
        `SELECT FROM pg_stat_activity WHERE datname = $1 AND state = 'active' AND backend_xid IS NOT NULL
           AND query_start < clock_timestamp() - interval '${LONGEST_STATEMENT_MS} ms'`,
        [database],
      );
      return rowCount! > 0;
    },
    async pids() {
      const main = (await readPidFile(folder))?.pid;
      return main === undefined ? [] : [main, ...(await childrenOf(main))];
    },
    stop,
  };
}

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (parent === pid ? [child!] : []));
}
