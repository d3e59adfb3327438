/**
 * Executes a batch of changes, of one or of many, in two round trips: it reads all documents, decides all changes, and writes
 * everything by one statement outside of any transaction block. The statement writes only if every document still has the
 * version that was read. Where another process was faster, the batch is decided again with its documents locked.
 *
 * What happens when a write fails:
 *
 * - a document moved on, or the database found a deadlock: the batch is decided again on the newest state;
 * - an idempotency key had been used: that request gets the answer stored under it, and the rest is decided again;
 * - the connection died: see outcome.ts;
 * - anything else: each request of the batch is tried alone, so that only the one at fault fails.
 *
 * It has two limits: `MAX_ATTEMPTS`, and the batch's time limit (batcher.ts). At either limit, requests that are not settled
 * fail as unavailable.
 */
import { randomUUID } from 'node:crypto';
import type { Outcome } from '@micromart/event-log/batcher';
import { type Changed, lostRaces } from '@micromart/event-log/change-store';
import { type ChangeRequest, type FoldedBatch, foldBatch } from '@micromart/event-log/fold';
import { isConflict, isConnectionLoss, isUnavailable, violatedConstraint } from '@micromart/postgres/failure';
import { type Client, inTransaction, type Pool } from '@micromart/postgres/pool';
import type { Documents } from './documents.ts';
import { changed, type IdempotencyKeys, KEYS_CONSTRAINT } from './idempotency-keys.ts';
import type { PostgresEventLog } from './log.ts';
import { establishOutcome } from './outcome.ts';
import type { Writer, Written } from './write.ts';

const MAX_ATTEMPTS = 8;

export type Outcomes = readonly Outcome<Changed<unknown>>[];

/**
 * Resolves with each request's outcome, in their order. Rejects with the database's error when no request could be settled;
 * then any of them may have happened. Nothing is retried once the signal is aborted.
 */
export type ExecuteBatch<State> = (
  requests: readonly ChangeRequest<State>[],
  signal: AbortSignal,
) => Promise<Outcomes>;

/** What an attempt had done when it failed. */
type Attempt<State> = { folded?: FoldedBatch<State>; written?: Written; mayHaveCommitted: boolean };

export function createExecuteBatch<State>({
  pool,
  table,
  documents,
  write,
  keys,
  log,
}: {
  pool: Pool;
  table: string;
  documents: Documents<State>;
  write: Writer<State>;
  keys: IdempotencyKeys;
  log: PostgresEventLog;
}): ExecuteBatch<State> {
  const positioning = { partitions: log.partitions, newId: randomUUID };

  async function execute(requests: readonly ChangeRequest<State>[], signal: AbortSignal): Promise<Outcomes> {
    let last: unknown = lostRaces();
    for (let tried = 0; tried < MAX_ATTEMPTS && !signal.aborted; tried += 1) {
      const commit = randomUUID();
      const attempt: Attempt<State> = { mayHaveCommitted: false };
      try {
        await (tried === 0 ? writeUnlocked : writeLocked)(requests, commit, attempt);
        if (attempt.written) return settleAll(attempt.folded!, attempt.written);
      } catch (error) {
        if (isUnavailable(error)) last = error;
        if (isConnectionLoss(error) && attempt.mayHaveCommitted) {
          const outcome = await establishOutcome(pool, commit, signal);
          if (outcome.committed) return settleAll(attempt.folded!, attempt.written ?? outcome.heads);
        } else if (violatedConstraint(error) === KEYS_CONSTRAINT) {
          const answered = await answerUsedKeys(requests, signal);
          if (answered) return answered;
        } else if (!isConflict(error) && violatedConstraint(error) !== `${table}_pkey`) {
          if (requests.length === 1 || isUnavailable(error)) throw error;
          return executeOneByOne(requests, signal);
        }
      }
    }
    // One that can never be written may have made the others fail.
    if (requests.length > 1 && !isUnavailable(last) && !signal.aborted)
      return executeOneByOne(requests, signal);
    throw last;
  }

  async function writeUnlocked(
    requests: readonly ChangeRequest<State>[],
    commit: string,
    attempt: Attempt<State>,
  ) {
    const loaded = await documents.load(pool, idsOf(requests));
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
      const loaded = await documents.lock(client, idsOf(requests));
      attempt.folded = foldBatch(requests, loaded, positioning);
      attempt.written = await writeUnlessEmpty(client, attempt.folded, commit);
      attempt.mayHaveCommitted = true;
    });
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
   * Requests whose keys were used get the answers stored under them; the others are executed again. Undefined where
   * nothing is stored under any of the keys any more: then the whole batch must be tried again.
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

  function settleAll(folded: FoldedBatch<State>, written: ReadonlyMap<number, number>): Outcomes {
    if (folded.events.length > 0) log.notifyAppended(folded.events, written);
    return folded.decided.map((one) =>
      'error' in one ? one : { value: changed(log.name, one.answer, one.position, written) },
    );
  }

  return execute;
}

const idsOf = (requests: readonly { readonly id: string }[]): string[] => requests.map(({ id }) => id);

const settled = <T>(promise: Promise<T>): Promise<Outcome<T>> =>
  promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  );
