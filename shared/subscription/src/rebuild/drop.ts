/**
 * Drops a generation, in two steps. First its positions go, so that whoever still writes to it is refused at the fence, and
 * never meets a missing table. Then its storage goes, once no transaction is left that may still read it: one that began when
 * it was live sees that in its snapshot, but would not see the rows any more.
 */
import { problem } from '@micromart/http/problem';
import { sqlStateOf } from '@micromart/postgres/failure';
import { type Client, inTransaction, type Pool } from '@micromart/postgres/pool';
import type { RecordAct } from '../acts/acts.ts';
import type { ReadModel } from '../generations/read-model.ts';
import {
  advance,
  listGenerations,
  lockModel,
  type StoredGeneration,
} from '../generations/stored-generations.ts';
import { lockPositions } from '../lock-positions.ts';

/** A lock that is not free by then is tried for again: a reader waits behind one that waits. */
const LOCK_TIMEOUT = '100ms';
const LOCK_NOT_AVAILABLE = '55P03';

/** The first step. Throws a Problem: `not-found`, or `conflict` for the live one. */
export async function beginDrop(
  { pool, model }: { pool: Pool; model: ReadModel<unknown> },
  name: string,
  record?: RecordAct,
): Promise<void> {
  await inTransaction(pool, async (client) => {
    await lockModel(client, model.name);
    const found = (await listGenerations(client, model.name)).find((one) => one.name === name);
    if (!found || found.state === 'dropped') throw problem('not-found', `There is no generation ${name}.`);
    if (found.live)
      throw problem('conflict', `${name} is live: switch to another generation before it is dropped.`, {
        type: 'generation-is-live',
      });
    if (found.state !== 'dropping') await dropWithin(client, name);
    await record?.(client);
  });
}

/** The same within a transaction that has locked the model and knows that it is not live. */
export async function dropWithin(client: Client, name: string): Promise<void> {
  await lockPositions(client, [name]);
  await client.query('DELETE FROM subscription_positions WHERE subscription = $1', [name]);
  await client.query('DELETE FROM parked_events WHERE subscription = $1', [name]);
  await client.query('DELETE FROM subscription_tombstones WHERE subscription = $1', [name]);
  // The row stays: whoever still begins to follow finds it, paused, without positions, and with a log, so it takes none.
  await client.query(
    `INSERT INTO subscriptions (name, paused, log) VALUES ($1, true, '')
     ON CONFLICT (name) DO UPDATE SET paused = true, log = COALESCE(subscriptions.log, '')`,
    [name],
  );
  // Not the time at which this transaction began: it may have waited for a switch, which readers since then do not see yet.
  await client.query(
    `UPDATE generations SET state = 'dropping', failure = NULL, changed_at = clock_timestamp() WHERE name = $1`,
    [name],
  );
}

/** The second step; gives whether it could be done now. */
export async function finishDrop(
  { pool, model }: { pool: Pool; model: ReadModel<unknown> },
  generation: StoredGeneration,
): Promise<boolean> {
  if (await isStillRead(pool, generation)) return false;
  try {
    await inTransaction(pool, async (client) => {
      await client.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
      await model.drop(client, generation);
      await advance(client, generation.name, 'dropping', 'dropped');
    });
    return true;
  } catch (error) {
    if (sqlStateOf(error) === LOCK_NOT_AVAILABLE) return false;
    throw error;
  }
}

/** Whether a transaction is open that began before the first step. */
async function isStillRead(pool: Pool, { changedAt }: StoredGeneration): Promise<boolean> {
  const { rows } = await pool.query<{ read: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < $1) AS read`,
    [changedAt],
  );
  return rows[0]!.read;
}
