/**
 * How fast imports write. What a chunk takes of the worker and of the database, it takes from whoever reads on the same
 * cores: so chunks are small (limits.ts), and a rest follows each, in proportion to its work. A file takes longer for it.
 */

/** Of a worker's time imports write in a third at the most, however many there are: a rest is twice as long as the work. */
const REST_PER_WORK = 2;

/** A chunk that had to wait for its database says nothing of the load; it need not be followed by as much again. */
const MAX_REST_MS = 500;

export const restMs = (workedMs: number): number => Math.min(workedMs * REST_PER_WORK, MAX_REST_MS);

/** Carries out work when all that was asked for before has been, and has been rested from; gives what it gives. */
export type Pace = <T>(work: () => Promise<T>) => Promise<T>;

/** One for all imports of a worker. */
export function createPace(): Pace {
  let free: Promise<void> = Promise.resolve();
  return async (work) => {
    const before = free;
    const { promise, resolve } = Promise.withResolvers<void>();
    free = promise;
    await before;
    const beganMs = performance.now();
    try {
      return await work();
    } finally {
      setTimeout(resolve, restMs(performance.now() - beganMs));
    }
  };
}
