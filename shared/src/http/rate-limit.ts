/**
 * How often one caller may write: at most `perSecond` at once, and as many each second in the long run. Of each caller
 * one number is kept, the time at which its allowance will be whole again (the generic cell rate algorithm), and only
 * of the most recent ones; so it needs no timer and never grows.
 */

const MAX_CALLERS = 10_000;

/** Counts one request of `caller`; gives back how many seconds to wait if it is one too many, else undefined. */
export type RateLimit = (caller: string) => number | undefined;

export function createRateLimit({
  perSecond,
  now = performance.now.bind(performance),
}: {
  perSecond: number;
  /** Milliseconds on a clock that never goes back. */
  now?: () => number;
}): RateLimit {
  const intervalMs = 1_000 / perSecond;
  const wholeAgainMs = new Map<string, number>();

  return (caller) => {
    const time = now();
    const from = Math.max(wholeAgainMs.get(caller) ?? 0, time);
    const waitMs = from + intervalMs - time - 1_000;
    if (waitMs > 1e-6) return waitMs / 1_000;
    wholeAgainMs.delete(caller);
    wholeAgainMs.set(caller, from + intervalMs);
    if (wholeAgainMs.size > MAX_CALLERS) wholeAgainMs.delete(wholeAgainMs.keys().next().value!);
    return undefined;
  };
}
