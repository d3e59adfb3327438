/**
 * When a page that failed may be asked for again. Each partition has a pause of its own, so that one whose pages fail delays no
 * other. The clock is passed in, in milliseconds that only grow.
 */
import { pauseMs } from '@micromart/process/retry';

export type PageBackOff = {
  /** Gives how often in a row the partition's pages have failed now. */
  failed(partition: number, nowMs: number): number;
  succeeded(partition: number): void;
  /** Forgets all partitions but these: nothing is missing in the others any more. */
  retain(partitions: Iterable<number>): void;
  /** For how many milliseconds no page of the partition may be asked for; 0 if one may be now. */
  remainingMs(partition: number, nowMs: number): number;
  /** The most failures in a row of any partition; 0 while none fails. */
  mostFailures(): number;
};

export function createPageBackOff(pauseAfter: (failures: number) => number = pauseMs): PageBackOff {
  const failing = new Map<number, { readonly failures: number; readonly untilMs: number }>();
  return {
    failed(partition, nowMs) {
      const failures = (failing.get(partition)?.failures ?? 0) + 1;
      failing.set(partition, { failures, untilMs: nowMs + pauseAfter(failures) });
      return failures;
    },
    succeeded(partition) {
      failing.delete(partition);
    },
    retain(partitions) {
      const kept = new Set(partitions);
      for (const partition of failing.keys()) if (!kept.has(partition)) failing.delete(partition);
    },
    remainingMs: (partition, nowMs) => Math.max(0, (failing.get(partition)?.untilMs ?? nowMs) - nowMs),
    mostFailures: () => Math.max(0, ...[...failing.values()].map(({ failures }) => failures)),
  };
}
