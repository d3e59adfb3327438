/**
 * The queue is pg-boss. It carries deliveries, each only an id, from the process that accepts a job to one worker;
 * everything else about a job is in its own row (jobs/). What it does for us:
 *
 * - The caller's own transaction enqueues a delivery, together with the job's row or not at all.
 * - While a worker has a delivery, the worker's process sends heartbeats. After ten seconds without one, another worker
 *   gets it. The first one's `signal` aborts, if its process still runs; the row refuses what it still writes.
 * - If the worker of a delivery fails or dies, the next worker gets it, as often as necessary: the job's row decides when
 *   a job has failed for good.
 *
 * pg-boss drops deliveries that were not fetched in time, and its schema may be emptied; `isLive` finds the jobs that
 * this has orphaned.
 */
import { refuseOldServer } from '@micromart/postgres/server-version';
import { type ConstructorOptions, PgBoss, type QueueOptions } from 'pg-boss';

export const QUEUES = ['changes', 'imports'] as const;
export type QueueName = (typeof QUEUES)[number];

/** Executes a statement, in the caller's transaction if there is one. */
export type Execute = (text: string, values?: unknown[]) => Promise<{ rows: unknown[] }>;

/** Sends a delivery to its queue, to be delivered after `delayS` seconds. */
export type Send = (
  execute: Execute,
  queue: QueueName,
  delivery: string,
  options?: { delayS?: number },
) => Promise<void>;

export type Delivery = {
  readonly id: string;
  /** Aborts when the delivery has been given to another worker, or this one is ending. */
  readonly signal: AbortSignal;
};

export type Queue = {
  readonly send: Send;
  /**
   * Passes deliveries to `handler`, up to `batch` at once and to `concurrency` calls at the same time. Deliveries are
   * done when it returns; when it throws, they are delivered again.
   */
  work(
    queue: QueueName,
    options: { batch: number; concurrency: number },
    handler: (deliveries: readonly Delivery[]) => Promise<void>,
  ): Promise<void>;
  /** Stops fetching at once, and waits a few seconds for the handlers. */
  close(): Promise<void>;
};

const HEARTBEAT_S = 10;
const HEARTBEAT_REFRESH_S = 2;
const DAY_S = 86_400;

const QUEUE_OPTIONS: QueueOptions = {
  heartbeatSeconds: HEARTBEAT_S,
  retryLimit: 1_000_000,
  retryDelay: 0,
  expireInSeconds: DAY_S - 3_600,
  retentionSeconds: 30 * DAY_S,
  deleteAfterSeconds: 3_600,
};

const MAX_CONNECTIONS = 3;
/** New deliveries are announced; polling finds those of dead workers, and delayed ones. */
const POLL_S = 4;
const CLOSE_LIMIT_MS = 3_500;
const SCHEMA = 'pgboss';

/**
 * How often to look for dead workers: the defaults would find one after a minute. Each check is eight statements.
 */
const SUPERVISION: ConstructorOptions = {
  superviseIntervalSeconds: 2,
  monitorIntervalSeconds: 2,
  maintenanceIntervalSeconds: 600,
  monitorVacuum: false,
};

const NO_EXTRAS: ConstructorOptions = { schedule: false, registerInstance: false };

/** Opens the queue for a worker, and creates its schema if it is missing. */
export async function openQueue(url: string, onError: (error: unknown) => void): Promise<Queue> {
  await refuseOldServer(url);
  const boss = new PgBoss({
    connectionString: url,
    application_name: 'catalog-worker queue',
    max: MAX_CONNECTIONS,
    useListenNotify: true,
    ...SUPERVISION,
    ...NO_EXTRAS,
  });
  boss.on('error', onError).on('warning', onError);
  await boss.start();
  for (const name of QUEUES) {
    await boss.createQueue(name, { ...QUEUE_OPTIONS, notify: true });
    await boss.updateQueue(name, { ...QUEUE_OPTIONS, notify: true });
  }

  return {
    send: sendBy(boss),

    async work(queue, { batch, concurrency }, handler) {
      const options = {
        batchSize: batch,
        localConcurrency: concurrency,
        burstWhenBatchFull: batch > 1,
        pollingIntervalSeconds: POLL_S,
        notifyPollingIntervalSeconds: POLL_S,
        heartbeatRefreshSeconds: HEARTBEAT_REFRESH_S,
      };
      await boss.work(queue, options, (jobs) => handler(jobs));
    },

    async close() {
      for (const name of QUEUES) void boss.offWork(name, { wait: false });
      await boss.stop({ graceful: true, timeout: CLOSE_LIMIT_MS });
    },
  };
}

/**
 * The API's part of the queue: sending. It creates no schema and supervises nothing, because its role may not. Rejects while
 * the schema is missing, or has another version.
 */
export async function openSend(
  execute: Execute,
  onError: (error: unknown) => void,
): Promise<{ send: Send; close(): Promise<void> }> {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => execute(text, values) },
    migrate: false,
    createSchema: false,
    supervise: false,
    ...NO_EXTRAS,
  });
  boss.on('error', onError);
  try {
    await boss.start();
    for (const name of QUEUES) {
      if (!(await boss.getQueue(name))) throw new Error(`the queue ${name} has not been created yet`);
    }
  } catch (error) {
    await boss.stop({ graceful: false });
    throw error;
  }
  return { send: sendBy(boss), close: () => boss.stop({ graceful: false }) };
}

const sendBy =
  (boss: PgBoss): Send =>
  async (execute, queue, delivery, { delayS = 0 } = {}) => {
    const db = { executeSql: execute };
    await boss.send(queue, {}, { db, id: delivery, ...(delayS > 0 && { startAfter: Math.ceil(delayS) }) });
  };

/** SQL: whether a delivery waits, or is being handled. */
export const isLive = (delivery: string): string =>
  `EXISTS (SELECT FROM ${SCHEMA}.job WHERE id = ${delivery} AND name IN ('changes', 'imports') AND state < 'completed')`;

/** SQL: what a role needs to send, and no more. */
export const sendingGrants = (role: string): string => `
  GRANT USAGE ON SCHEMA ${SCHEMA} TO ${role};
  GRANT SELECT ON ${SCHEMA}.version, ${SCHEMA}.queue TO ${role};
  GRANT SELECT, INSERT ON ${SCHEMA}.job_common TO ${role};`;
