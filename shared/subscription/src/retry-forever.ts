import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** A killed process is soon back; pauses that double would delay its clients for much longer than it was away. */
const GROWTH = 1.3;

/**
 * The pause after this many failures in a row, in milliseconds. It grows, and half of it is random, so that many clients do
 * not retry at once.
 */
export function pauseMs(failures: number, chance = Math.random()): number {
  const full = Math.min(FIRST_PAUSE_MS * GROWTH ** (failures - 1), LONGEST_PAUSE_MS);
  return full * (0.5 + chance / 2);
}

/**
 * Repeats a step until the signal is aborted. When a step throws, it reports the error and retries after a pause, which grows
 * while the step keeps failing. No error ends the loop.
 */
export async function retryForever(
  step: () => Promise<void>,
  {
    signal,
    onError,
    onSuccess = () => {},
  }: { signal: AbortSignal; onError: (error: unknown) => void; onSuccess?: () => void },
): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      await step();
      failures = 0;
      onSuccess();
    } catch (error) {
      if (signal.aborted) return;
      onError(error);
      failures += 1;
      await sleep(pauseMs(failures), undefined, { signal }).catch(() => {});
    }
  }
}
