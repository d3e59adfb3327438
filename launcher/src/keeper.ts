import { backOffMs } from './back-off.ts';

/** Starts again, after a while (back-off.ts), what has ended by itself, for as long as that keeps happening. */
export type Keeper = {
  /** To be called when what was started has ended, with the reason. */
  ended(why: string): void;
  /** No further start after this; waits for one that is under way. */
  stop(): Promise<void>;
};

/** What is to be kept has just been started for the first time; `start` starts it again. */
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
