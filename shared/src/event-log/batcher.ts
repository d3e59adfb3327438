/**
 * Group commit's scheduling: items submitted while a batch is under way are carried out together in the next one; an
 * item that comes when nothing is under way waits for no longer than the current turn of the event loop. So a lone
 * caller pays nothing for it, and under load one commit serves many. The next batch begins before the callers of the last
 * one go on, so that what answers them costs no time in which the database has nothing to do: an eighth more of a busy
 * service.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
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
 * with that error. At most `lanes` batches run at once, each of all that waits; or, with `leastPerLane`, of an even share
 * of it but no fewer, and beside another one a batch begins only for so many. Items that `keyOf` gives the same key are
 * never in two batches at once, and keep their order.
 */
export function createBatcher<T, R>({
  run,
  maxBatch,
  maxWaiting,
  lanes = 1,
  leastPerLane,
  keyOf,
}: {
  run: (items: readonly T[]) => Promise<readonly Outcome<R>[]>;
  maxBatch: number;
  maxWaiting: number;
  lanes?: number;
  leastPerLane?: number;
  keyOf?: (item: T) => string;
}): Batcher<T, R> {
  let waiting: Waiting<T, R>[] = [];
  let running = 0;
  let scheduled = false;
  let onIdle: (() => void)[] = [];
  /** The keys of each batch under way: thrown away as a whole, since a set that shrinks is made anew. */
  const inHand: ReadonlySet<string>[] = [];

  /** Whether what waits is worth another batch beside so many. */
  const isWorthIt = (others: number) => waiting.length >= (others === 0 ? 1 : (leastPerLane ?? 1));

  const schedule = () => {
    if (scheduled || running >= lanes || !isWorthIt(running)) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      void runLane();
    });
  };

  /** A lane's next batch: its share of what waits, but for keys that another lane has in hand; empty where it may end. */
  const take = (): Waiting<T, R>[] => {
    if (!isWorthIt(running - 1)) return [];
    const share = Math.ceil(waiting.length / (lanes - running + 1));
    const size = Math.min(maxBatch, leastPerLane === undefined ? maxBatch : Math.max(leastPerLane, share));
    const batch: Waiting<T, R>[] = [];
    const rest: Waiting<T, R>[] = [];
    for (const one of waiting) {
      const isFree = !keyOf || !inHand.some((keys) => keys.has(keyOf(one.item)));
      (batch.length < size && isFree ? batch : rest).push(one);
    }
    waiting = rest;
    return batch;
  };

  /** One batch after the other, until nothing waits that it could take. */
  const runLane = async () => {
    running += 1;
    let tell = () => {};
    for (let batch = take(); batch.length > 0; batch = take()) {
      const keys = new Set(keyOf && batch.map(({ item }) => keyOf(item)));
      inHand.push(keys);
      schedule();
      const carriedOut = carryOut(batch, run);
      // The callers of the batch before go on while this one's first question is under way.
      await nextTurn();
      tell();
      tell = await carriedOut;
      inHand.splice(inHand.indexOf(keys), 1);
    }
    tell();
    running -= 1;
    if (running > 0) return;
    for (const resolve of onIdle) resolve();
    onIdle = [];
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

/** Carries a batch out, and gives what tells its callers of their outcomes. */
async function carryOut<T, R>(
  batch: readonly Waiting<T, R>[],
  run: (items: readonly T[]) => Promise<readonly Outcome<R>[]>,
): Promise<() => void> {
  try {
    const outcomes = await run(batch.map(({ item }) => item));
    return () =>
      batch.forEach(({ resolve, reject }, n) => {
        const outcome = outcomes[n] ?? { error: new Error('the batch gave no outcome for this item') };
        if ('error' in outcome) reject(outcome.error);
        else resolve(outcome.value);
      });
  } catch (error) {
    return () => {
      for (const { reject } of batch) reject(error);
    };
  }
}
