/** How often one caller may write: so many times in each second. Counted per process, in memory that is bounded by time. */
import { MemoryStore, type Options } from 'express-rate-limit';
import { problem } from './problem.ts';

const WINDOW_MS = 1_000;

/** Counts a request of a caller, told by its subject. Rejects with `too-many-requests` when it is one too many. */
export type RateLimit = (caller: string) => Promise<void>;

/** The library's store alone: its middleware asks itself for each request how it was set up, which takes longer. */
export function createRateLimit({ perSecond }: { perSecond: number }): RateLimit {
  const hits = new MemoryStore();
  hits.init({ windowMs: WINDOW_MS } as Options);
  return async (caller) => {
    const { totalHits } = await hits.increment(caller);
    if (totalHits <= perSecond) return;
    throw problem('too-many-requests', `You may write ${perSecond} times a second here: slow down.`, {
      retryAfterS: WINDOW_MS / 1_000,
    });
  };
}
