import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** Who was killed is back in a second or two; doubled, the pauses would add as much to that. */
const GROWTH = 1.3;

/** How long to wait after so many failures in a row: ever longer, and half of it by chance, so that many do not return at once. */
export function pauseMs(failures: number, chance = Math.random()): number {
  const full = Math.min(FIRST_PAUSE_MS * GROWTH ** (failures - 1), LONGEST_PAUSE_MS);
  return full * (0.5 + chance / 2);
}

/**
 * Does a step again and again until the signal is aborted. A step that throws is reported and done again after a pause,
 * which grows while it keeps failing: nothing that is repeated ever dies of an error.
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
