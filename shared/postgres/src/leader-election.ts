/**
 * Leader election: one instance is active, the others stand by. The holder of an advisory lock of the database is the leader.
 *
 * The lock belongs to a session, on a connection of its own, and ends with it. A leader that crashes frees the lock at once,
 * because its socket closes. A leader that freezes or is cut off cannot free it: so the server ends the session after
 * `SILENCE_MS` without a statement, and the leader sends a heartbeat every second. Nobody compares clocks, and no lease must
 * be renewed in a table.
 *
 * The election serves liveness only: some instance works, and usually no other does. A leader that was frozen wakes up and
 * still believes in its term; its late writes may arrive after its successor's first one. So everything done under this lock
 * must also be fenced where it is written (the fence of the package subscription).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@micromart/process/logger';
import { retryForever } from '@micromart/process/retry';
import pg from 'pg';
import type { Client } from './pool.ts';

/** The server ends a session that is silent for this long. */
const SILENCE_MS = 3_000;
const HEARTBEAT_INTERVAL_MS = 1_000;
/** Together with the interval at most `SILENCE_MS`, so that a leader steps down before the server ends its session. */
const ANSWER_TIMEOUT_MS = 2_000;
const STANDBY_INTERVAL_MS = 250;
/** Between two terms, and between two attempts to connect: another instance must lead soon. */
const LONGEST_PAUSE_MS = 500;
const CONNECT_TIMEOUT_MS = 3_000;
const DISCONNECT_TIMEOUT_MS = 500;

export type Leadership = {
  isLeader(): boolean;
  /** Ends the term, or stops standing by; resolves when `onLead` has returned. */
  close(): Promise<void>;
};

/**
 * Runs for leader of `name` within the database of `url` until it is closed. `onLead` is called for each term that is won, with
 * a signal that is aborted as soon as the connection or a heartbeat fails, or at `close`; `onLead` should return then. When it
 * returns or throws, the term ends, and the instance runs again. `heartbeat` is the caller's own query on the lock's connection,
 * once a second during a term: if it fails, the term ends.
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
      // The signal may have been aborted before the answer came; an `onLead` that waits for the abort would wait for ever.
      signal.throwIfAborted();
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
      await Promise.race([client.end(), sleep(DISCONNECT_TIMEOUT_MS, undefined, { ref: false })]);
    }
  }

  async function runOnce(): Promise<void> {
    await runForElection();
    await sleep(LONGEST_PAUSE_MS, undefined, { signal: closing.signal });
  }

  const running = retryForever(runOnce, {
    signal: closing.signal,
    longestPauseMs: LONGEST_PAUSE_MS,
    onFailure: (err) => logger.warn({ err, lock: name }, 'leader election failed; retrying'),
  });
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

/** Sends heartbeats until the term ends, and ends it when one fails. */
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
