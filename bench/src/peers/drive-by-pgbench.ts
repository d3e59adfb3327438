import { openPool, type Pool } from '@micromart/postgres/pool';
import { onFreshDatabase, type Server } from '../database.ts';
import { runPgbench } from '../pgbench.ts';

/** How a peer of P3 is to be driven. */
export type Drive = { readonly pgbench: string; readonly clients: number; readonly seconds: number };

/**
 * Runs a peer's script for a time on a database of its own, which is prepared before the clock starts, and checked after;
 * gives transactions a second.
 */
export const driveByPgbench = (
  server: Server,
  { pgbench, clients, seconds }: Drive,
  {
    script,
    prepare,
    check,
  }: {
    script: string;
    prepare(pool: Pool, url: string): Promise<void>;
    check(pool: Pool, transactions: number): Promise<void>;
  },
): Promise<number> =>
  onFreshDatabase(server, async (url) => {
    const pool = openPool(url, { max: 1, name: 'bench' });
    try {
      await prepare(pool, url);
      const { perSecond, transactions } = await runPgbench({
        pgbench,
        url,
        script,
        clients,
        extent: { seconds },
      });
      await check(pool, transactions);
      return perSecond;
    } finally {
      await pool.end();
    }
  });
