/**
 * When it is certain that the owner's log was replaced. To stop for that is for good, so one answer is not enough: it may
 * have come from a process of the owner that knows less than others, or is about to go. The same question must be answered
 * so again after a while, with no good answer to it in between. Pure; the clock is passed in.
 */
export type ReplacedSource = {
  /** A question was answered as from another history. Whether that is certain now. */
  conclude(question: string, nowMs: number): boolean;
  /** The question was answered from the history that is followed: what was concluded before is forgotten. */
  refute(question: string): void;
};

export function createReplacedSource({ confirmReplacedMs }: { confirmReplacedMs: number }): ReplacedSource {
  const firstMs = new Map<string, number>();
  return {
    conclude(question, nowMs) {
      const first = firstMs.get(question);
      if (first === undefined) firstMs.set(question, nowMs);
      return first !== undefined && nowMs - first >= confirmReplacedMs;
    },
    refute(question) {
      firstMs.delete(question);
    },
  };
}
