/**
 * One active instance, the others standing by: whoever holds an advisory lock of the database leads.
 *
 * The lock belongs to a session, a connection of its own, and ends with it. A holder that crashes frees it at once,
 * because its socket closes. One that is frozen, or cut off, cannot say so: for that, the session asks the server to end
 * it when nothing was heard for three seconds, and the holder is heard every second. So nobody compares clocks, and no
 * lease has to be renewed in a table.
 *
 * This is for liveness only: it sees to it that somebody works, and that usually nobody else does. A holder that was
 * frozen wakes up believing it still leads, and whatever it was about to write may arrive after its successor's first
 * write. So everything done under this lock must also be fenced where it is written (subscription/fence.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@micromart/process/logger';
import pg from 'pg';
import type { Client } from './pool.ts';

/** The server ends a session that is silent for this long. */
const SILENCE_MS = 3_000;
const HEARTBEAT_INTERVAL_MS = 1_000;
/** With the interval no more than the silence, so that a holder gives up no later than the server does. */
const ANSWER_TIMEOUT_MS = 2_000;
const STANDBY_INTERVAL_MS = 250;
const RECONNECT_INTERVAL_MS = 500;
const CONNECT_TIMEOUT_MS = 3_000;
const GOODBYE_MS = 500;

export type Leadership = {
  isLeader(): boolean;
  /** Gives the lead up, or stops standing by; comes back when `onLead` has. */
  close(): Promise<void>;
};

/**
 * Stands for the lead of `name` within the database of `url`, for as long as it is open. Each time it is won, `onLead`
 * runs; its signal is aborted as soon as the connection or a heartbeat fails, and it should return then. When it returns
 * or throws, the lead is given up and stood for again. `heartbeat` is a query of the caller's on the lock's own
 * connection, once a second while leading: what fails in it ends the lead.
 */
export function runAsLeader({
  url,
  name,
  onLead,
  heartbeat = ping,
  logger,
}: {
  url: string;
  name: string;
  onLead: (signal: AbortSignal) => Promise<void>;
  heartbeat?: (client: Client) => Promise<void>;
  logger: Logger;
}): Leadership {
  const closing = new AbortController();
  let term: AbortSignal | undefined;

  async function runForElection(): Promise<void> {
    const lost = new AbortController();
    const client = new pg.Client({
      connectionString: url,
      application_name: `lock of ${name}`,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
    });
    client.on('error', (error) => lost.abort(error));
    client.on('end', () => lost.abort(new Error('the connection was ended')));
    const signal = AbortSignal.any([closing.signal, lost.signal]);
    try {
      await client.connect();
      await client.query(`SET idle_session_timeout = ${SILENCE_MS}`);
      while (!(await tryLock(client, name))) await sleep(STANDBY_INTERVAL_MS, undefined, { signal });
      term = signal;
      const beating = beat(client, heartbeat, lost);
      try {
        await onLead(signal);
      } finally {
        lost.abort();
        term = undefined;
        await beating;
      }
    } finally {
      await Promise.race([client.end(), sleep(GOODBYE_MS, undefined, { ref: false })]);
    }
  }

  async function keepRunning(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await runForElection();
      } catch (err) {
        if (!closing.signal.aborted)
          logger.warn({ err, lock: name }, 'not standing for the lead; trying again');
      }
      await sleep(RECONNECT_INTERVAL_MS, undefined, { signal: closing.signal }).catch(() => {});
    }
  }

  const running = keepRunning();
  return {
    isLeader: () => term !== undefined && !term.aborted,
    async close() {
      closing.abort();
      await running;
    },
  };
}

async function tryLock(client: Client, name: string): Promise<boolean> {
  const { rows } = await client.query('SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS won', [name]);
  return rows[0].won;
}

/** Sends heartbeats until the lead is over, and ends it when one fails. */
async function beat(client: Client, heartbeat: (client: Client) => Promise<void>, lost: AbortController) {
  const { signal } = lost;
  try {
    while (!signal.aborted) {
      await heartbeat(client);
      await sleep(HEARTBEAT_INTERVAL_MS, undefined, { signal });
    }
  } catch (error) {
    lost.abort(error);
  }
}

async function ping(client: Client): Promise<void> {
  await client.query('SELECT 1');
}
