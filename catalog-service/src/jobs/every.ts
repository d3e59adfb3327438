import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Does something now and then, each time when the last has ended and the interval has passed; what fails is reported
 * and done again. `close` ends the pause at once, and waits for what is under way.
 */
export function every(
  intervalMs: number,
  step: () => Promise<unknown>,
  onError: (error: unknown) => void,
): { close(): Promise<void> } {
  const closing = new AbortController();
  const { signal } = closing;
  const run = async () => {
    while (!signal.aborted) {
      await step().catch(onError);
      await sleep(intervalMs, undefined, { signal }).catch(() => {});
    }
  };
  const running = run();
  return {
    async close() {
      closing.abort();
      await running;
    },
  };
}
