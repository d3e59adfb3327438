import { randomUUID } from 'node:crypto';
import { type Changed, type ChangeOptions, lostRaces } from '@micromart/event-log/change-store';
import { requireLoggable } from '@micromart/event-log/loggable';
import type { NewEvent } from '@micromart/events/envelope';
import { type BatchPlace, createPlacer } from '@micromart/events/place';
import { isAway, isConflict, isConnectionLoss, violatedConstraint } from '@micromart/postgres/failure';
import { type Client, inTransaction, type Pool } from '@micromart/postgres/pool';
import { changed, type IdempotencyKeys, KEYS_CONSTRAINT } from './idempotency-keys.ts';
import type { PostgresEventLog } from './log.ts';
import { establishOutcome } from './outcome.ts';
import type { Writer } from './write.ts';

const MAX_ATTEMPTS = 8;

/** What a change that spans documents appends, and answers. */
export type Spanning<Answer> = {
  readonly events: readonly NewEvent[];
  readonly answer: Answer;
  /** Statements on rows that writers lock behind the log's heads; where it throws, nothing is done. */
  readonly behindHeads?: () => Promise<void>;
};

type Deps = {
  readonly pool: Pool;
  readonly log: PostgresEventLog;
  readonly write: Writer<never>;
  readonly keys: IdempotencyKeys;
  /** After so long, it is not tried again. */
  readonly timeoutMs: number;
};

/** Carries out one change that spans documents, in a transaction of its own; see PostgresChangeStore. */
export async function transact<Answer>(
  { pool, log, write, keys, timeoutMs }: Deps,
  work: (client: Client) => Promise<Spanning<Answer>>,
  { key, traceparent }: ChangeOptions,
): Promise<Changed<Answer>> {
  const signal = AbortSignal.timeout(timeoutMs);
  let last: unknown = lostRaces();
  for (let tried = 0; tried < MAX_ATTEMPTS && !signal.aborted; tried += 1) {
    const commit = randomUUID();
    let result: Changed<Answer> | undefined;
    let tell = () => {};
    try {
      await inTransaction(pool, async (client) => {
        const { events, answer, behindHeads } = await work(client);
        requireLoggable(events);
        const placeOf = createPlacer({ partitions: log.partitions, newId: randomUUID });
        const placed = events.map((event) => placeOf(event, traceparent));
        const place: BatchPlace = placed.at(-1)
          ? { ...placed.at(-1)!, sequence: 0 }
          : { partition: 0, offset: 0, sequence: 0 };
        const answers = key ? [{ ...key, answer, place }] : [];
        const heads = await write(client, { rows: [], events: placed, answers, commit });
        await behindHeads?.();
        result = changed(log.name, answer, place, heads!);
        tell = () => log.appended(placed, heads!);
      });
      tell();
      return result!;
    } catch (error) {
      if (isAway(error)) last = error;
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
