/**
 * The change store on MongoDB, by nothing but the atomicity of a single document: a document carries its version, its state,
 * and the events of its last change, so they become durable together or not at all. Then the store moves the events to the log
 * (move.ts), and only then it answers the change.
 *
 * - A change is written only upon the version that was read. The slower of two writers decides again on the newest state.
 * - A document is not changed before its events have come to the log. So the events of a document stay in order; the next
 *   writer of the document, or a sweep, moves what a writer that died left behind.
 * - When the outcome of a write is in doubt, the document settles it: it keeps the marks of its last changes. Only if others
 *   have changed it `MAX_MARKS` times before we could ask, the change is decided again.
 * - Concurrent changes of this process are executed together, one batch after the other; those of one document are folded and
 *   written once. So nothing is lost on an engine without atomic updates either (Engine), as long as no other process writes.
 * - It keeps no idempotency keys: it refuses a change that has one, and knows none.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createBatcher, type Outcome } from '@micromart/event-log/batcher';
import {
  type Changed,
  type ChangeOptions,
  type ChangeStore,
  type Decide,
  lostRaces,
} from '@micromart/event-log/change-store';
import type { ChangeRequest } from '@micromart/event-log/fold';
import { partitionOf } from '@micromart/events/partition';
import { isUnavailable } from '@micromart/mongodb/failure';
import type { Mongodb } from '@micromart/mongodb/open';
import { openDocuments, type Row } from './documents.ts';
import { type Decided, foldDocument } from './fold-document.ts';
import type { MongodbEventLog } from './log.ts';
import { createMove, type Moved, type Unmoved } from './move.ts';
import { createSerialQueue } from './serial-queue.ts';
import type { StoredDocument } from './stored.ts';

const MAX_BATCH = 256;
const MAX_WAITING = 10_000;
const MAX_ATTEMPTS = 12;
const PAUSE_MS = 50;
const MAX_FAILURES = 3;
const MAX_MARKS = 4;
const MARK_BYTES = 9;

export type MongodbChangeStore<State> = ChangeStore<State> & {
  /** Moves events that were left behind to the log; resolves with the number of documents. */
  sweep(): Promise<number>;
  /** Resolves when no change waits or runs. */
  idle(): Promise<void>;
};

export type MongodbChangeStoreOptions<State> = {
  readonly collection: string;
  readonly log: MongodbEventLog;
  /** Values by which a document is found besides its id: stored beside its state, for the caller's indexes. */
  readonly keysOf: (id: string, state: State) => Readonly<Record<string, unknown>>;
  /** Called when events are left to a sweep although their change has been made. */
  readonly onError: (error: unknown) => void;
};

/** The changes of one document in a batch. */
type Work<State> = {
  readonly id: string;
  readonly requests: readonly ChangeRequest<State>[];
  /** Writes that were sent, and may have been made, by their marks. */
  readonly sent: Map<string, Sent>;
};

/** A write that was sent: its events and decisions, and the sequence of the document's last event before it. */
type Sent = Unmoved & { readonly decided: readonly Decided[]; readonly sequence: number };

type Outcomes<State> = Map<ChangeRequest<State>, Outcome<Changed<unknown>>>;

export async function openMongodbChangeStore<State>(
  mongodb: Mongodb,
  { collection, log, keysOf, onError }: MongodbChangeStoreOptions<State>,
): Promise<MongodbChangeStore<State>> {
  const move = createMove(mongodb, { collection, log });
  const documents = await openDocuments<State>(mongodb, { collection, move });
  const serially = createSerialQueue();
  const changes = createBatcher<ChangeRequest<State>, Changed<unknown>>({
    run: (requests, signal) => serially(() => execute(requests, signal)),
    maxBatch: MAX_BATCH,
    maxWaiting: MAX_WAITING,
  });

  async function execute(requests: readonly ChangeRequest<State>[], signal: AbortSignal) {
    const outcomes: Outcomes<State> = new Map();
    const works = [...Map.groupBy(requests, ({ id }) => id)].map(([id, its]) => ({
      id,
      requests: its,
      sent: new Map(),
    }));
    await executeAll(works, outcomes, signal);
    return requests.map((request) => outcomes.get(request)!);
  }

  async function executeAll(
    works: readonly Work<State>[],
    outcomes: Outcomes<State>,
    signal: AbortSignal,
  ): Promise<void> {
    const openOnes = () => works.filter(({ requests }) => !outcomes.has(requests[0]!));
    try {
      await attemptUntilDone(openOnes, outcomes, signal);
    } catch (error) {
      const open = openOnes();
      if (open.length > 1 && !isUnavailable(error)) {
        // One at a time, so that only the one at fault fails.
        for (const work of open) await executeAll([work], outcomes, signal);
      } else {
        for (const request of open.flatMap(({ requests }) => requests)) outcomes.set(request, { error });
      }
    }
  }

  async function attemptUntilDone(
    openOnes: () => Work<State>[],
    outcomes: Outcomes<State>,
    signal: AbortSignal,
  ): Promise<void> {
    let failures = 0;
    for (let tried = 0; tried < MAX_ATTEMPTS && !signal.aborted; tried += 1) {
      if (tried > 0) await delay(Math.random() * PAUSE_MS * tried);
      try {
        await attempt(openOnes(), outcomes);
        if (openOnes().length === 0) return;
      } catch (error) {
        failures += 1;
        if (!isUnavailable(error) || failures === MAX_FAILURES) throw error;
      }
    }
    throw lostRaces();
  }

  /**
   * Settles the requests whose changes are in the log, and those that change nothing. The others lost a race. If it throws,
   * the outcome of the others is in doubt, and the next attempt finds out.
   */
  async function attempt(works: readonly Work<State>[], outcomes: Outcomes<State>): Promise<void> {
    const { documents: loaded, moved } = await documents.load(works.map(({ id }) => id));
    const written: (readonly [Work<State>, Sent])[] = [];
    const fresh: (readonly [Work<State>, Sent])[] = [];
    const rows: Row<State>[] = [];
    for (const work of works) {
      const document = loaded.get(work.id);
      const mark = document?.marks.find((one) => work.sent.has(one));
      if (mark !== undefined) {
        written.push([work, work.sent.get(mark)!]);
        continue;
      }
      const { decided, change } = foldDocument(work.requests, document);
      const before = { _id: work.id, version: document?.version ?? 0, sequence: document?.sequence ?? 0 };
      if (!change) {
        settle([work, { ...before, pending: [], decided }], moved, outcomes);
        continue;
      }
      const newMark = randomBytes(MARK_BYTES).toString('base64url');
      const pending = change.events.map((event) => ({ ...event, id: randomUUID() }));
      const next: StoredDocument<State> = {
        ...before,
        version: change.version,
        state: change.state,
        keys: keysOf(work.id, change.state),
        marks: [...(document?.marks ?? []), newMark].slice(-MAX_MARKS),
        ...(pending.length > 0 && { pending, unmoved: true }),
      };
      const sent = { ...before, version: change.version, pending, decided };
      work.sent.set(newMark, sent);
      fresh.push([work, sent]);
      rows.push({ next, expected: document?.version });
    }
    if (await documents.write(rows)) written.push(...fresh);
    await finish(written, moved, outcomes);
  }

  async function finish(
    written: readonly (readonly [Work<State>, Sent])[],
    before: Moved,
    outcomes: Outcomes<State>,
  ): Promise<void> {
    const unmoved = written
      .map(([, sent]) => sent)
      .filter(({ pending }) => !pending.every(({ id }) => before.has(id)));
    const now = await move.toLog(unmoved);
    await move.free(unmoved, now).catch(onError);
    const moved = new Map([...before, ...now]);
    for (const one of written) settle(one, moved, outcomes);
  }

  function settle([work, sent]: readonly [Work<State>, Sent], moved: Moved, outcomes: Outcomes<State>): void {
    work.requests.forEach((request, n) => {
      const decided = sent.decided[n]!;
      if ('error' in decided) {
        outcomes.set(request, decided);
        return;
      }
      const event = sent.pending[decided.events - 1];
      const sequence = event ? moved.get(event.id)! : sent.sequence;
      const partition = partitionOf(event?.key ?? work.id, log.partitions);
      const position = { log: log.name, partition, sequence };
      outcomes.set(request, {
        value: { answer: decided.answer, ...(sequence > 0 && { position }), replayed: false },
      });
    });
  }

  return {
    async read(id) {
      const document = await documents.read(id);
      return document && { version: document.version, sequence: document.sequence, state: document.state };
    },
    async change<Answer>(id: string, decide: Decide<State, Answer>, options: ChangeOptions = {}) {
      if (options.key) throw new Error('this store keeps no idempotency keys');
      return (await changes.submit({ id, decide, ...options })) as Changed<Answer>;
    },
    replay: async () => undefined,
    sweep: () => serially(documents.sweep),
    async idle() {
      await changes.idle();
      await serially(async () => {});
    },
  };
}
