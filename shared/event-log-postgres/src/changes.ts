/**
 * The change store on PostgreSQL: documents in a table `(id text primary key, version int, sequence bigint, state
 * json)`, beside the event log of the same database. What the table is searched by or constrained on besides may be
 * `columns` of texts, told from the state here: the database would go through the whole state for each of them.
 *
 * A batch, of one change or of many, takes two round trips: all its documents are read, all its changes decided, and
 * all of it written by one statement outside of any transaction block, which writes only if every document still has
 * the version that was read. Where another process was faster, the batch is decided again with its documents locked.
 *
 * What happens when a write fails:
 *
 * - a document moved on, or a deadlock: decided again on the newest state;
 * - a key had been used: that request gets the answer stored under it, the rest is decided again;
 * - the connection died: see outcome.ts;
 * - anything else: each request of the batch is tried alone, so that only the one at fault fails.
 *
 * All of it has a bound: so many attempts, each of which either ends or settles a request, and the batch's time (batcher.ts).
 * At either, what is not settled fails as unavailable.
 */
import { randomUUID } from 'node:crypto';
import { BATCH_TIMEOUT_MS, createBatcher, type Outcome } from '@micromart/event-log/batcher';
import {
  type Changed,
  type ChangeOptions,
  type ChangeStore,
  type Decide,
  type Document,
  type IdempotencyKey,
  isStorableKey,
  lostRaces,
  requireStorable,
} from '@micromart/event-log/change-store';
import { type ChangeRequest, type FoldedBatch, foldBatch } from '@micromart/event-log/fold';
import { textArray } from '@micromart/postgres/binary-array';
import {
  isConflict,
  isConnectionLoss,
  isDiskFull,
  isUnavailable,
  violatedConstraint,
} from '@micromart/postgres/failure';
import { type Client, inTransaction, type Pool } from '@micromart/postgres/pool';
import { changed, createIdempotencyKeys, KEYS_CONSTRAINT } from './idempotency-keys.ts';
import type { PostgresEventLog } from './log.ts';
import { establishOutcome } from './outcome.ts';
import { type MultiDocumentChange, transact } from './transact.ts';
import { type Columns, createWriter, type Written } from './write.ts';

const MAX_BATCH = 256;
const MAX_WAITING = 10_000;
const MAX_ATTEMPTS = 8;
/** While the database writes one batch, another is decided: a seventh more. Three are slower again. */
const WORKERS = 2;
/**
 * What a statement costs by itself is worth as much as thirty changes, and two batches at once take cores from whoever
 * answers: with two of fewer, a service with 64 requests in flight answers a tenth less.
 */
const MIN_PER_WORKER = 32;
/** As long as nothing is written after it. */
const FAILURE_SHOWN_MS = 60_000;

export type PostgresChangeStore<State> = ChangeStore<State> & {
  /**
   * For a change that spans documents: `work` does its own statements in the transaction (documents first, ascending),
   * and may run several times. Its position is that of its last event.
   */
  transact<Answer>(
    work: (client: Client) => Promise<MultiDocumentChange<Answer>>,
    options?: ChangeOptions,
  ): Promise<Changed<Answer>>;
  /** Whether changes get through, for readiness. */
  check(): Promise<{ ok: boolean; detail?: string }>;
  /** Resolves when no change is waiting or under way. */
  idle(): Promise<void>;
  /** Takes no more changes, and fails those that wait or are under way, which may have happened. */
  stop(): void;
};

/** What an attempt had done when it failed. */
type Attempt<State> = { folded?: FoldedBatch<State>; written?: Written; mayHaveCommitted: boolean };

type Outcomes = readonly Outcome<Changed<unknown>>[];

export function createPostgresChangeStore<State>(
  pool: Pool,
  {
    table,
    log,
    columns,
    timeoutMs = BATCH_TIMEOUT_MS,
  }: { table: string; log: PostgresEventLog; columns?: Columns<State>; timeoutMs?: number },
): PostgresChangeStore<State> {
  const write = createWriter(table, columns);
  const keys = createIdempotencyKeys(pool, log.name);
  const positioning = { partitions: log.partitions, newId: randomUUID };
  /** When the last batch failed because the database was away, full or busy; none has ended well since. */
  let failedAtMs = Number.NEGATIVE_INFINITY;
  /** Until a write gets through: nobody writes while it is known to be of no use. */
  let isFull = false;
  const changes = createBatcher({
    run: async (requests: readonly ChangeRequest<State>[], signal) => {
      try {
        const outcomes = await execute(requests, signal);
        failedAtMs = Number.NEGATIVE_INFINITY;
        isFull = false;
        return outcomes;
      } catch (error) {
        if (isUnavailable(error)) failedAtMs = performance.now();
        isFull = isDiskFull(error);
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

  async function read(id: string): Promise<Document<State> | undefined> {
    const { rows } = await pool.query<Document<State>>({
      name: `read_${table}`,
      text: `SELECT version, sequence, state FROM ${table} WHERE id = $1`,
      values: [id],
    });
    return rows[0];
  }

  async function execute(requests: readonly ChangeRequest<State>[], signal: AbortSignal): Promise<Outcomes> {
    let last: unknown = lostRaces();
    for (let tried = 0; tried < MAX_ATTEMPTS && !signal.aborted; tried += 1) {
      const commit = randomUUID();
      const attempt: Attempt<State> = { mayHaveCommitted: false };
      try {
        await (tried === 0 ? writeUnlocked : writeLocked)(requests, commit, attempt);
        if (attempt.written) return finish(attempt.folded!, attempt.written);
      } catch (error) {
        if (isUnavailable(error)) last = error;
        if (isConnectionLoss(error) && attempt.mayHaveCommitted) {
          const outcome = await establishOutcome(pool, commit, signal);
          if (outcome.committed) {
            return finish(attempt.folded!, attempt.written ?? outcome.heads);
          }
        } else if (violatedConstraint(error) === KEYS_CONSTRAINT) {
          const answered = await answerUsedKeys(requests, signal);
          if (answered) return answered;
        } else if (!isConflict(error) && violatedConstraint(error) !== `${table}_pkey`) {
          if (requests.length === 1 || isUnavailable(error)) throw error;
          return executeOneByOne(requests, signal);
        }
      }
    }
    // One that can never be written may have held up the others.
    if (requests.length > 1 && !isUnavailable(last) && !signal.aborted)
      return executeOneByOne(requests, signal);
    throw last;
  }

  async function writeUnlocked(
    requests: readonly ChangeRequest<State>[],
    commit: string,
    attempt: Attempt<State>,
  ) {
    const loaded = await load(pool, requests, '');
    attempt.folded = foldBatch(requests, loaded, positioning);
    attempt.mayHaveCommitted = true;
    attempt.written = await writeUnlessEmpty(pool, attempt.folded, commit);
  }

  async function writeLocked(
    requests: readonly ChangeRequest<State>[],
    commit: string,
    attempt: Attempt<State>,
  ) {
    await inTransaction(pool, async (client) => {
      const loaded = await load(client, requests, 'ORDER BY id FOR UPDATE');
      attempt.folded = foldBatch(requests, loaded, positioning);
      attempt.written = await writeUnlessEmpty(client, attempt.folded, commit);
      attempt.mayHaveCommitted = true;
    });
  }

  async function load(
    client: Client | Pool,
    requests: readonly ChangeRequest<State>[],
    locking: '' | 'ORDER BY id FOR UPDATE',
  ): Promise<ReadonlyMap<string, Document<State>>> {
    const { rows } = await client.query<Document<State> & { id: string }>({
      name: `${locking ? 'lock' : 'load'}_${table}`,
      text: `SELECT id, version, sequence, state FROM ${table} WHERE id = ANY ($1) ${locking}`,
      values: [textArray([...new Set(requests.map(({ id }) => id))])],
    });
    return new Map(rows.map((row) => [row.id, row]));
  }

  async function writeUnlessEmpty(
    client: Client | Pool,
    folded: FoldedBatch<State>,
    commit: string,
  ): Promise<Written> {
    const { rows, events, answers } = folded;
    if (rows.length === 0 && events.length === 0 && answers.length === 0) return new Map();
    return write(client, { rows, events, answers, commit });
  }

  /**
   * Some of these keys have been used: those requests get the answers stored under them, the others go on. Undefined where
   * nothing is stored under any of them, any more, so that the whole batch is to be tried again.
   */
  async function answerUsedKeys(
    requests: readonly ChangeRequest<State>[],
    signal: AbortSignal,
  ): Promise<Outcomes | undefined> {
    const used = await Promise.all(requests.map(({ key }) => key && settled(keys.find(key))));
    const outcomes = used.map((outcome) =>
      outcome && ('error' in outcome || outcome.value) ? (outcome as Outcome<Changed<unknown>>) : undefined,
    );
    const open = requests.filter((_, n) => !outcomes[n]);
    if (open.length === requests.length) return undefined;
    const rest = open.length > 0 ? [...(await execute(open, signal))] : [];
    return outcomes.map((outcome) => outcome ?? rest.shift()!);
  }

  async function executeOneByOne(
    requests: readonly ChangeRequest<State>[],
    signal: AbortSignal,
  ): Promise<Outcomes> {
    const outcomes: Outcome<Changed<unknown>>[] = [];
    for (const request of requests) {
      const alone = await settled(execute([request], signal));
      outcomes.push('error' in alone ? alone : alone.value[0]!);
    }
    return outcomes;
  }

  function finish(folded: FoldedBatch<State>, written: ReadonlyMap<number, number>): Outcomes {
    if (folded.events.length > 0) log.notifyAppended(folded.events, written);
    return folded.decided.map((one) =>
      'error' in one ? one : { value: changed(log.name, one.answer, one.position, written) },
    );
  }

  return {
    read,
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
    async check() {
      if (isFull) return { ok: false, detail: 'the last writes failed: the disk of the database is full' };
      if (changes.isStuck())
        return { ok: false, detail: `writes are stuck: they did not end within ${timeoutMs} ms` };
      if (performance.now() - failedAtMs < FAILURE_SHOWN_MS)
        return { ok: false, detail: 'the last writes failed: the database is away, full or busy' };
      return { ok: true };
    },
    idle: changes.idle,
    stop: changes.stop,
  };
}

const settled = <T>(promise: Promise<T>): Promise<Outcome<T>> =>
  promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  );
