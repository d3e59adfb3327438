/**
 * The scheduling of group commit. Items that are submitted while a batch runs are executed together in the next one; an item
 * that comes when nothing runs waits no longer than the current turn of the event loop. So a lone caller pays nothing, and
 * under load one commit serves many. The next batch begins before the callers of the last one resume, so the database works
 * while they are answered (bench/README.md, P4).
 *
 * Waiting has a limit. A batch that does not end in time fails: its signal is aborted, and items that have waited as long fail
 * too. It keeps its worker and its keys until it has really ended, so that no later batch runs at the same time as it.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { problem } from '@micromart/http/problem';

export type Outcome<R> = { readonly value: R } | { readonly error: unknown };

export type Batcher<T, R> = {
  /** Resolves or rejects with the item's own outcome. Rejects with an unavailable problem above `maxWaiting`. */
  submit(item: T): Promise<R>;
  /** Whether a batch is late now, or was late within the last minute and none has ended in time since. */
  isStuck(): boolean;
  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void>;
  /** Accepts no more items, fails all that wait or run, and aborts the signals of the batches. */
  stop(): void;
};

export const BATCH_TIMEOUT_MS = 10_000;
const STUCK_SHOWN_MS = 60_000;

type WaitingItem<T, R> = {
  readonly item: T;
  readonly sinceMs: number;
  readonly resolve: (value: R) => void;
  readonly reject: (error: unknown) => void;
};

type Run<T, R> = (items: readonly T[], signal: AbortSignal) => Promise<readonly Outcome<R>[]>;

type Batch<T, R> = {
  readonly members: readonly WaitingItem<T, R>[];
  readonly keys: ReadonlySet<string>;
  readonly ending: AbortController;
};

/**
 * `run` executes a batch and returns each item's outcome, in the items' order; when it throws, all items fail with that error.
 * Once its signal is aborted nobody waits for the outcome, and it should end. At most `workers` batches run at once. Each takes
 * all waiting items, up to `maxBatch`. With `minPerWorker`, each takes an equal share of them, but at least that many, and a
 * further batch starts while another runs only when that many wait. Items with the same key (`keyOf`) are never in two batches
 * at once, and keep their order. `timeoutMs` limits a batch, and the time that an item may wait behind it.
 */
export function createBatcher<T, R>({
  run,
  maxBatch,
  maxWaiting,
  workers = 1,
  minPerWorker,
  keyOf,
  timeoutMs = BATCH_TIMEOUT_MS,
}: {
  run: Run<T, R>;
  maxBatch: number;
  maxWaiting: number;
  workers?: number;
  minPerWorker?: number;
  keyOf?: (item: T) => string;
  timeoutMs?: number;
}): Batcher<T, R> {
  let waiting: WaitingItem<T, R>[] = [];
  let running = 0;
  let scheduled = false;
  let onIdle: (() => void)[] = [];
  let isStopped = false;
  let lateAtMs = Number.NEGATIVE_INFINITY;
  /** The running batches. Each has a set of its own for its keys: one set for all would be rebuilt as it shrinks. */
  const inFlight: Batch<T, R>[] = [];

  /** Whether enough items wait for one more batch while `others` run. */
  const isWorthIt = (others: number) => waiting.length >= (others === 0 ? 1 : (minPerWorker ?? 1));

  const schedule = () => {
    if (scheduled || running >= workers || !isWorthIt(running)) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      void runWorker();
    });
  };

  /** A worker's next batch: its share of the waiting items, without keys in flight elsewhere. Empty when the worker may end. */
  const takeBatch = (): WaitingItem<T, R>[] => {
    if (!isWorthIt(running - 1)) return [];
    const share = Math.ceil(waiting.length / (workers - running + 1));
    const size = Math.min(maxBatch, minPerWorker === undefined ? maxBatch : Math.max(minPerWorker, share));
    const batch: WaitingItem<T, R>[] = [];
    const rest: WaitingItem<T, R>[] = [];
    for (const one of waiting) {
      const isFree = !keyOf || !inFlight.some(({ keys }) => keys.has(keyOf(one.item)));
      (batch.length < size && isFree ? batch : rest).push(one);
    }
    waiting = rest;
    return batch;
  };

  /** Fails the batch, and items that have waited as long. */
  const giveUp = (batch: Batch<T, R>) => {
    lateAtMs = performance.now();
    batch.ending.abort();
    fail(batch.members, tooLate());
    const isOverdue = ({ sinceMs }: WaitingItem<T, R>) => lateAtMs - sinceMs >= timeoutMs;
    fail(waiting.filter(isOverdue), tooLate());
    waiting = waiting.filter((one) => !isOverdue(one));
  };

  /** Executes a batch within its time limit; resolves with the function that settles its callers. */
  const execute = async (batch: Batch<T, R>): Promise<() => void> => {
    inFlight.push(batch);
    // Repeated for items that arrive later and wait behind it.
    const limit = setInterval(() => giveUp(batch), timeoutMs);
    try {
      return await outcomesOf(batch, run);
    } finally {
      clearInterval(limit);
      inFlight.splice(inFlight.indexOf(batch), 1);
      if (!batch.ending.signal.aborted) lateAtMs = Number.NEGATIVE_INFINITY;
    }
  };

  /** Runs one batch after the other, until there is none to take. */
  const runWorker = async () => {
    running += 1;
    let notify = () => {};
    for (let members = takeBatch(); members.length > 0; members = takeBatch()) {
      const keys = new Set(keyOf && members.map(({ item }) => keyOf(item)));
      const executed = execute({ members, keys, ending: new AbortController() });
      schedule();
      // The callers of the last batch resume while the database executes this one's first query.
      await nextTurn();
      notify();
      notify = await executed;
    }
    notify();
    running -= 1;
    if (running > 0) return;
    for (const resolve of onIdle) resolve();
    onIdle = [];
  };

  return {
    submit: (item) =>
      new Promise<R>((resolve, reject) => {
        if (isStopped || waiting.length >= maxWaiting) {
          reject(isStopped ? stopped() : tooMuch());
          return;
        }
        waiting.push({ item, sinceMs: performance.now(), resolve, reject });
        schedule();
      }),
    isStuck: () =>
      inFlight.some(({ ending }) => ending.signal.aborted) || performance.now() - lateAtMs < STUCK_SHOWN_MS,
    idle: () =>
      running === 0 && waiting.length === 0
        ? Promise.resolve()
        : new Promise((resolve) => onIdle.push(resolve)),
    stop() {
      isStopped = true;
      for (const { members, ending } of inFlight) {
        ending.abort();
        fail(members, stopped());
      }
      fail(waiting, stopped());
      waiting = [];
    },
  };
}

const fail = (all: readonly { reject(error: unknown): void }[], error: unknown): void => {
  for (const { reject } of all) reject(error);
};

const tooMuch = () => problem('unavailable', 'Too many changes are waiting. Try again in a moment.');
const tooLate = () =>
  problem('unavailable', 'The change did not end in time, and may still take effect. Try again in a moment.');
const stopped = () => problem('unavailable', 'This process is stopping. Try again.');

async function outcomesOf<T, R>({ members, ending }: Batch<T, R>, run: Run<T, R>): Promise<() => void> {
  try {
    const outcomes = await run(
      members.map(({ item }) => item),
      ending.signal,
    );
    return () =>
      members.forEach(({ resolve, reject }, n) => {
        const outcome = outcomes[n] ?? { error: new Error('the batch gave no outcome for this item') };
        if ('error' in outcome) reject(outcome.error);
        else resolve(outcome.value);
      });
  } catch (error) {
    return () => fail(members, error);
  }
}
