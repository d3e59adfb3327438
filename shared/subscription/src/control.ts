/** Whether a subscription is meant to run: kept in its database, so it outlives the process and holds for every instance. */
import type { Client, Pool } from '@micromart/postgres/pool';
import type { Logger } from '@micromart/process/logger';
import type { Waiting } from './apply/waiting.ts';
import { createWaitingNotes } from './apply/waiting-notes.ts';
import type { Notifier } from './notifier.ts';

/**
 * - `source-replaced`: the history it stands in is gone. Only a rebuild helps: going on would take another history's
 *   events for its own.
 * - `too-many-parked`: so much is at fault that it is not the events' fault. It goes on when somebody has looked.
 */
export type StopReason = 'source-replaced' | 'too-many-parked';

export type ControlState = {
  readonly paused: boolean;
  readonly stopped: StopReason | null;
  readonly stoppedDetail: string | null;
};

export type Control = {
  /** The state as this process last saw it; undefined until it has. */
  readonly state: ControlState | undefined;
  /** Whether events may be applied, so far as this process knows. */
  isActive(): boolean;
  /** Looks again: what another instance was told is known here within one heartbeat. */
  refresh(client: Client | Pool): Promise<void>;
  pause(): Promise<void>;
  /** Goes on after a pause, or after too many parked events; never after the source was replaced. */
  resume(): Promise<void>;
  stop(reason: StopReason, detail: string): Promise<void>;
};

export function createControl({
  pool,
  name,
  notifier,
  waiting,
  logger,
}: {
  pool: Pool;
  name: string;
  notifier: Notifier;
  waiting: Waiting;
  logger: Logger;
}): Control {
  let state: ControlState | undefined;
  const waitingNotes = createWaitingNotes(name, waiting);
  /** A stop that is not written down yet: it holds at once, and is written before anything is read again. */
  let unwritten: { reason: StopReason; detail: string } | undefined;

  async function refresh(client: Client | Pool) {
    if (unwritten) {
      await client.query(
        'UPDATE subscriptions SET stopped = $2, stopped_detail = $3 WHERE name = $1 AND stopped IS NULL',
        [name, unwritten.reason, unwritten.detail],
      );
      unwritten = undefined;
    }
    await waitingNotes.write(client);
    const { rows } = await client.query<ControlState>(
      'SELECT paused, stopped, stopped_detail AS "stoppedDetail" FROM subscriptions WHERE name = $1',
      [name],
    );
    state = rows[0];
    notifier.notify();
  }

  return {
    get state() {
      return state;
    },
    isActive: () => state !== undefined && !state.paused && state.stopped === null && !unwritten,
    refresh,
    async pause() {
      await pool.query('UPDATE subscriptions SET paused = true WHERE name = $1', [name]);
      await refresh(pool);
    },
    async resume() {
      await pool.query(
        `UPDATE subscriptions SET paused = false, stopped = NULL, stopped_detail = NULL
         WHERE name = $1 AND stopped IS DISTINCT FROM 'source-replaced'`,
        [name],
      );
      await refresh(pool);
    },
    async stop(reason, detail) {
      logger.error({ subscription: name, reason, detail }, 'subscription stopped');
      unwritten = { reason, detail };
      await refresh(pool);
    },
  };
}
