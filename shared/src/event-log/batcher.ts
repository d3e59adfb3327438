/**
 * Group commit's scheduling: items submitted while a batch is under way are carried out together in the next one; an
 * item that comes when nothing is under way waits for no longer than the current turn of the event loop. So a lone
 * caller pays nothing for it, and under load one commit serves many.
 */

import { problem } from '../http/problem.ts';

export type Outcome<R> = { readonly value: R } | { readonly error: unknown };

export type Batcher<T, R> = {
  /** Resolves or rejects with the item's own outcome. Rejects as unavailable above `maxWaiting`. */
  submit(item: T): Promise<R>;
  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void>;
};

type Waiting<T, R> = { item: T; resolve: (value: R) => void; reject: (error: unknown) => void };

/**
 * `run` carries out a batch and gives each item's outcome in the items' order; when it throws, all of the batch fail
 * with that error. At most `lanes` batches run at once.
 */
export function createBatcher<T, R>({
  run,
  maxBatch,
  maxWaiting,
  lanes = 1,
}: {
  run: (items: readonly T[]) => Promise<readonly Outcome<R>[]>;
  maxBatch: number;
  maxWaiting: number;
  lanes?: number;
}): Batcher<T, R> {
  let waiting: Waiting<T, R>[] = [];
  let running = 0;
  let scheduled = false;
  let onIdle: (() => void)[] = [];

  const schedule = () => {
    if (scheduled || running >= lanes || waiting.length === 0) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      void runNext();
    });
  };

  const runNext = async () => {
    const batch = waiting.slice(0, maxBatch);
    waiting = waiting.slice(maxBatch);
    running += 1;
    schedule();
    try {
      const outcomes = await run(batch.map(({ item }) => item));
      batch.forEach(({ resolve, reject }, n) => {
        const outcome = outcomes[n] ?? { error: new Error('the batch gave no outcome for this item') };
        if ('error' in outcome) reject(outcome.error);
        else resolve(outcome.value);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    running -= 1;
    schedule();
    if (running === 0 && waiting.length === 0) {
      for (const resolve of onIdle) resolve();
      onIdle = [];
    }
  };

  return {
    submit: (item) =>
      new Promise<R>((resolve, reject) => {
        if (waiting.length >= maxWaiting) {
          reject(problem('unavailable', 'Too much is waiting to be carried out; try again in a moment.'));
          return;
        }
        waiting.push({ item, resolve, reject });
        schedule();
      }),
    idle: () =>
      running === 0 && waiting.length === 0
        ? Promise.resolve()
        : new Promise((resolve) => onIdle.push(resolve)),
  };
}
