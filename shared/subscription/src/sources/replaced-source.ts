/**
 * Decides when it is certain that the owner's log was replaced. The subscription then stops for good, so one answer is not
 * enough: it may come from a process of the owner that knows less than others. The same request must be answered in the same
 * way again after `confirmReplacedMs`, with no good answer to it in between. Pure; the clock is passed in.
 */
export type ReplacedSource = {
  /** A request was answered from another history. Returns whether that is certain now. */
  conclude(request: string, nowMs: number): boolean;
  /** The request was answered from the history that is followed: forgets earlier conclusions about it. */
  refute(request: string): void;
};

export function createReplacedSource({ confirmReplacedMs }: { confirmReplacedMs: number }): ReplacedSource {
  const firstMs = new Map<string, number>();
  return {
    conclude(request, nowMs) {
      const first = firstMs.get(request);
      if (first === undefined) firstMs.set(request, nowMs);
      return first !== undefined && nowMs - first >= confirmReplacedMs;
    },
    refute(request) {
      firstMs.delete(request);
    },
  };
}
