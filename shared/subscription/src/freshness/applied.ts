import type { LogPosition } from '@micromart/events/position';
import { createNotifier, type Notifier } from '../notifier.ts';

/**
 * What this process has applied. It notifies after every commit, and remembers how far its own commits have applied each
 * partition of each log, as long as nothing in the partition is parked. A client that waits for such a position needs no
 * query. It does not know what other instances apply.
 */
export type Applied = Notifier & {
  /** Records a commit, before `notify`: everything in this partition of `log` up to `sequence` is included. */
  record(log: string, partition: number, sequence: number): void;
  /** Whether all these positions are known here to be included. */
  includes(positions: readonly LogPosition[]): boolean;
};

/** Several may ring by the same notifier, and each remember for itself. */
export function createApplied(notifier: Notifier = createNotifier()): Applied {
  const reached = new Map<string, number>();
  const keyOf = (log: string, partition: number): string => `${log}/${partition}`;
  return Object.assign(Object.create(notifier) as Notifier, {
    record: (log: string, partition: number, sequence: number) => {
      reached.set(keyOf(log, partition), sequence);
    },
    includes: (positions: readonly LogPosition[]) =>
      positions.every(
        ({ log, partition, sequence }) => (reached.get(keyOf(log, partition)) ?? 0) >= sequence,
      ),
  });
}
