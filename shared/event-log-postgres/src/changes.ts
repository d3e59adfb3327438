/**
 * The change store on PostgreSQL: documents in a table (documents.ts), beside the event log of the same database. Queries and
 * constraints on more than the id use `columns` of texts, which the store computes from the state and writes with it: as
 * generated columns, each would make the database parse the whole state again.
 */
import { BATCH_TIMEOUT_MS, createBatcher } from '@micromart/event-log/batcher';
import {
  type Changed,
  type ChangeOptions,
  type ChangeStore,
  type Decide,
  type IdempotencyKey,
  isStorableKey,
  requireStorable,
} from '@micromart/event-log/change-store';
import type { ChangeRequest } from '@micromart/event-log/fold';
import type { Client, Pool } from '@micromart/postgres/pool';
import { createDocuments } from './documents.ts';
import { createExecuteBatch } from './execute-batch.ts';
import { createIdempotencyKeys } from './idempotency-keys.ts';
import type { PostgresEventLog } from './log.ts';
import { type MultiDocumentChange, transact } from './transact.ts';
import { type Columns, createWriter } from './write.ts';
import { createWriteHealth } from './write-health.ts';

const MAX_BATCH = 256;
const MAX_WAITING = 10_000;
/** While the database writes one batch, the process decides another. A third is slower again. */
const WORKERS = 2;
/**
 * Each statement costs as much as some thirty changes, and two batches at once take cores from requests. So a second batch
 * starts only when this many changes wait (bench/README.md, P4).
 */
const MIN_PER_WORKER = 32;

export type PostgresChangeStore<State> = ChangeStore<State> & {
  /**
   * For a change that spans documents: `work` executes its own statements in the transaction (documents first, ascending),
   * and may run several times. The change's position is that of its last event.
   */
  transact<Answer>(
    work: (client: Client) => Promise<MultiDocumentChange<Answer>>,
    options?: ChangeOptions,
  ): Promise<Changed<Answer>>;
  /** Whether changes get through, for readiness. */
  check(): Promise<{ ok: boolean; detail?: string }>;
  /** Resolves when no change waits or runs. */
  idle(): Promise<void>;
  /** Accepts no more changes, and fails those that wait or run, which may have happened. */
  stop(): void;
};

export function createPostgresChangeStore<State>(
  pool: Pool,
  {
    table,
    log,
    columns,
    timeoutMs = BATCH_TIMEOUT_MS,
  }: { table: string; log: PostgresEventLog; columns?: Columns<State>; timeoutMs?: number },
): PostgresChangeStore<State> {
  const documents = createDocuments<State>(pool, table);
  const write = createWriter(table, columns);
  const keys = createIdempotencyKeys(pool, log.name);
  const execute = createExecuteBatch({ pool, table, documents, write, keys, log });
  const health = createWriteHealth();
  const changes = createBatcher({
    run: async (requests: readonly ChangeRequest<State>[], signal) => {
      try {
        const outcomes = await execute(requests, signal);
        health.succeeded();
        return outcomes;
      } catch (error) {
        health.failed(error);
        throw error;
      }
    },
    maxBatch: MAX_BATCH,
    maxWaiting: MAX_WAITING,
    workers: WORKERS,
    minPerWorker: MIN_PER_WORKER,
    keyOf: ({ id }) => id,
    timeoutMs,
  });

  return {
    read: documents.read,
    async replay<Answer>(key: IdempotencyKey) {
      return isStorableKey(key) ? ((await keys.find(key)) as Changed<Answer> | undefined) : undefined;
    },
    async change<Answer>(id: string, decide: Decide<State, Answer>, options: ChangeOptions = {}) {
      requireStorable(id, options.key);
      return (await changes.submit({ id, decide, ...options })) as Changed<Answer>;
    },
    async transact(work, options = {}) {
      requireStorable('', options.key);
      return transact({ pool, log, write, keys, timeoutMs }, work, options);
    },
    check: async () => health.check({ isStuck: changes.isStuck(), timeoutMs }),
    idle: changes.idle,
    stop: changes.stop,
  };
}
