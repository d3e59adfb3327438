import { backOffMs } from './back-off.ts';

/** Restarts a server that ended by itself, after a pause (back-off.ts), for as long as that keeps happening. */
export type Keeper = {
  /** Call it when the server has ended, with the reason. */
  ended(why: string): void;
  /** Prevents further starts; waits for one in progress. */
  stop(): Promise<void>;
};

/** Create it right after the server's first start; `start` restarts it. */
export function createKeeper(start: () => Promise<void>, print: (line: string) => void): Keeper {
  let sinceMs = performance.now();
  let waitMs = 0;
  let again: NodeJS.Timeout | undefined;
  let starting: Promise<void> | undefined;
  let stopped = false;

  const startAgain = (why: string, upMs: number) => {
    if (stopped) return;
    waitMs = backOffMs(waitMs, upMs);
    print(`${why}; starts again in ${waitMs} ms`);
    again = setTimeout(() => {
      sinceMs = performance.now();
      starting = start().catch((error: Error) => startAgain(error.message, 0));
    }, waitMs);
  };
  return {
    ended: (why) => startAgain(why, performance.now() - sinceMs),
    stop: async () => {
      stopped = true;
      clearTimeout(again);
      await starting;
    },
  };
}
