import { randomUUID } from 'node:crypto';
import { type Changed, type ChangeOptions, lostRaces } from '@micromart/event-log/change-store';
import { requireLoggable } from '@micromart/event-log/loggable';
import { type BatchPosition, createPositioner } from '@micromart/events/assign-positions';
import type { NewEvent } from '@micromart/events/envelope';
import { isConflict, isConnectionLoss, isUnavailable, violatedConstraint } from '@micromart/postgres/failure';
import { type Client, inTransaction, type Pool } from '@micromart/postgres/pool';
import { changed, type IdempotencyKeys, KEYS_CONSTRAINT } from './idempotency-keys.ts';
import type { PostgresEventLog } from './log.ts';
import { establishOutcome } from './outcome.ts';
import type { Writer } from './write.ts';

const MAX_ATTEMPTS = 8;

/** What a change that spans documents appends and answers. */
export type MultiDocumentChange<Answer> = {
  readonly events: readonly NewEvent[];
  readonly answer: Answer;
  /** Executes statements on rows that writers lock after the log's heads; if it throws, nothing is written. */
  readonly behindHeads?: () => Promise<void>;
};

type Deps = {
  readonly pool: Pool;
  readonly log: PostgresEventLog;
  readonly write: Writer<never>;
  readonly keys: IdempotencyKeys;
  /** After this time, it is not tried again. */
  readonly timeoutMs: number;
};

/** Executes one change that spans documents, in a transaction of its own; see PostgresChangeStore. */
export async function transact<Answer>(
  { pool, log, write, keys, timeoutMs }: Deps,
  work: (client: Client) => Promise<MultiDocumentChange<Answer>>,
  { key, traceparent }: ChangeOptions,
): Promise<Changed<Answer>> {
  const signal = AbortSignal.timeout(timeoutMs);
  let last: unknown = lostRaces();
  for (let tried = 0; tried < MAX_ATTEMPTS && !signal.aborted; tried += 1) {
    const commit = randomUUID();
    let result: Changed<Answer> | undefined;
    let notify = () => {};
    try {
      await inTransaction(pool, async (client) => {
        const { events, answer, behindHeads } = await work(client);
        requireLoggable(events);
        const positioned = createPositioner({ partitions: log.partitions, newId: randomUUID });
        const positionedEvents = events.map((event) => positioned(event, traceparent));
        const position: BatchPosition = positionedEvents.at(-1)
          ? { ...positionedEvents.at(-1)!, sequence: 0 }
          : { partition: 0, offset: 0, sequence: 0 };
        const answers = key ? [{ ...key, answer, position }] : [];
        const heads = await write(client, { rows: [], events: positionedEvents, answers, commit });
        await behindHeads?.();
        result = changed(log.name, answer, position, heads!);
        notify = () => log.notifyAppended(positionedEvents, heads!);
      });
      notify();
      return result!;
    } catch (error) {
      if (isUnavailable(error)) last = error;
      if (isConnectionLoss(error) && result) {
        if ((await establishOutcome(pool, commit, signal)).committed) return result;
      } else if (key && violatedConstraint(error) === KEYS_CONSTRAINT) {
        const used = await keys.find(key);
        if (used) return used as Changed<Answer>;
      } else if (!isConflict(error)) throw error;
    }
  }
  throw last;
}
