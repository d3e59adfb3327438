/**
 * How fast imports write. A chunk takes time of the worker and the database from reads on the same cores. So chunks are small
 * (limits.ts), and each is followed by a rest in proportion to its work. An import takes longer because of it.
 */

/** A rest is twice as long as the work, so all imports together write for at most a third of a worker's time. */
const REST_PER_WORK = 2;

/** Caps the rest after a chunk that had to wait for its database, because such a wait says nothing about the load. */
const MAX_REST_MS = 500;

export const restMs = (workedMs: number): number => Math.min(workedMs * REST_PER_WORK, MAX_REST_MS);

/** Runs `work` after all earlier work and its rest; resolves with its result. */
export type Pace = <T>(work: () => Promise<T>) => Promise<T>;

/** Make one for all imports of a worker. */
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
