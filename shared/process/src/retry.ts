/** The loop that tries again, and how long it pauses. */
import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** A killed process is soon back; pauses that double would delay its clients for much longer than it was away. */
const GROWTH = 1.3;
/** An attempt that has worked this long has recovered: a later failure counts as the first one. */
const STEADY_MS = 10_000;

/** An attempt that goes on for as long as it works calls `onSuccess` when it does. */
export type Attempt<T> = (onSuccess: () => void) => Promise<T>;

export type RetryOptions = {
  /** Ends pauses at once, and allows no further attempt. */
  readonly signal?: AbortSignal;
  /** Called before each pause, with the number of failures in a row. */
  readonly onFailure?: (error: unknown, failures: number) => void;
  /** Called whenever an attempt calls it. */
  readonly onSuccess?: () => void;
  /** 5 s unless given. */
  readonly longestPauseMs?: number;
  readonly clock?: () => number;
};

/**
 * The pause after this many failures in a row, in milliseconds. It grows up to `longestPauseMs`, and half of it is random, so
 * that many clients do not retry at once.
 */
export function pauseMs(
  failures: number,
  { longestPauseMs = LONGEST_PAUSE_MS, chance = Math.random() } = {},
): number {
  return Math.min(FIRST_PAUSE_MS * GROWTH ** (failures - 1), longestPauseMs) * (0.5 + chance / 2);
}

/**
 * Gives what the first attempt gives that succeeds. Throws the last error after `attempts` failures in a row, when the
 * signal is aborted, and at once when an error is not transient, which all are unless `isTransient` says otherwise.
 */
export async function retry<T>(
  attempt: Attempt<T>,
  {
    attempts,
    isTransient = () => true,
    signal,
    onFailure = () => {},
    onSuccess = () => {},
    longestPauseMs = LONGEST_PAUSE_MS,
    clock = () => performance.now(),
  }: RetryOptions & { readonly attempts: number; readonly isTransient?: (error: unknown) => boolean },
): Promise<T> {
  for (let failures = 0; ; ) {
    let workingSinceMs: number | undefined;
    try {
      return await attempt(() => {
        workingSinceMs ??= clock();
        onSuccess();
      });
    } catch (error) {
      if (workingSinceMs !== undefined && clock() - workingSinceMs > STEADY_MS) failures = 0;
      failures += 1;
      if (failures >= attempts || signal?.aborted || !isTransient(error)) throw error;
      onFailure(error, failures);
      await sleep(pauseMs(failures, { longestPauseMs }), undefined, signal && { signal }).catch(() => {});
      if (signal?.aborted) throw error;
    }
  }
}

/**
 * Repeats a step until the signal is aborted. When a step throws, it reports the error and retries after a pause, which grows
 * while the step keeps failing. No error of a step ends the loop. `onSuccess` is also called whenever a step has returned.
 */
export async function retryForever(
  step: Attempt<unknown>,
  options: RetryOptions & Required<Pick<RetryOptions, 'signal' | 'onFailure'>>,
): Promise<void> {
  const { signal, onSuccess } = options;
  while (!signal.aborted) {
    try {
      await retry(step, { ...options, attempts: Number.POSITIVE_INFINITY });
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    onSuccess?.();
  }
}
