import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Repeats `step`, each time an interval after the last run ended; reports an error and continues. `close` ends the pause at
 * once, and waits for a running step.
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
