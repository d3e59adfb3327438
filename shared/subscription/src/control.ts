/** Whether a subscription should run. It is stored in the database, so it outlives the process and holds for every instance. */
import { type Client, inTransaction, type Pool } from '@micromart/postgres/pool';
import type { Logger } from '@micromart/process/logger';
import type { RecordAct } from './acts/acts.ts';
import type { Waiting } from './apply/waiting.ts';
import { createWaitingRecord } from './apply/waiting-record.ts';
import type { Notifier } from './notifier.ts';

/**
 * - `source-replaced`: the history that it follows is gone. Only a rebuild helps: to continue would mix two histories.
 * - `too-many-parked`: so many events fail that the events are hardly at fault. An operator finds the cause and resumes it.
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
  /** Whether events may be applied, as far as this process knows. */
  isActive(): boolean;
  /** Reads the state again. It is called at every heartbeat, so that every instance follows a change. */
  refresh(client: Client | Pool): Promise<void>;
  /** An operator's act is recorded in its transaction. */
  pause(record?: RecordAct): Promise<void>;
  /** Continues after a pause or after too many parked events, never after the source was replaced. */
  resume(record?: RecordAct): Promise<void>;
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
  const waitingRecord = createWaitingRecord(name, waiting);
  /** A stop that is not stored yet. It holds at once, and is written before the state is read again. */
  let unwritten: { reason: StopReason; detail: string } | undefined;

  async function refresh(client: Client | Pool) {
    if (unwritten) {
      await client.query(
        'UPDATE subscriptions SET stopped = $2, stopped_detail = $3 WHERE name = $1 AND stopped IS NULL',
        [name, unwritten.reason, unwritten.detail],
      );
      unwritten = undefined;
    }
    await waitingRecord.write(client);
    const { rows } = await client.query<ControlState>(
      'SELECT paused, stopped, stopped_detail AS "stoppedDetail" FROM subscriptions WHERE name = $1',
      [name],
    );
    state = rows[0];
    notifier.notify();
  }

  async function change(statement: string, record?: RecordAct) {
    await inTransaction(pool, async (client) => {
      await client.query(statement, [name]);
      await record?.(client);
    });
    await refresh(pool);
  }

  return {
    get state() {
      return state;
    },
    isActive: () => state !== undefined && !state.paused && state.stopped === null && !unwritten,
    refresh,
    pause: (record) => change('UPDATE subscriptions SET paused = true WHERE name = $1', record),
    resume: (record) =>
      change(
        `UPDATE subscriptions SET paused = false, stopped = NULL, stopped_detail = NULL
         WHERE name = $1 AND stopped IS DISTINCT FROM 'source-replaced'`,
        record,
      ),
    async stop(reason, detail) {
      logger.error({ subscription: name, reason, detail }, 'subscription stopped');
      unwritten = { reason, detail };
      await refresh(pool);
    },
  };
}
