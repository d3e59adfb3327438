import type { LogPosition } from '@micromart/events/position';
import { createNotifier, type Notifier } from '../notifier.ts';

/**
 * What this process has applied: it rings after every commit, and remembers how far each partition of each log has come
 * by commits made here, as long as nothing of it was parked. Whoever waits for a position need not ask the database then.
 * Of what others apply it knows nothing.
 */
export type Applied = Notifier & {
  /** Told of a commit, before it rings: of `log`, all of `partition` up to `sequence` is included. */
  note(log: string, partition: number, sequence: number): void;
  /** Whether all these places are included, as far as is known here. */
  includes(places: readonly LogPosition[]): boolean;
};

export function createApplied(): Applied {
  const notifier = createNotifier();
  const reached = new Map<string, number>();
  const keyOf = (log: string, partition: number): string => `${log}/${partition}`;
  return Object.assign(notifier, {
    note: (log: string, partition: number, sequence: number) => {
      reached.set(keyOf(log, partition), sequence);
    },
    includes: (places: readonly LogPosition[]) =>
      places.every(({ log, partition, sequence }) => (reached.get(keyOf(log, partition)) ?? 0) >= sequence),
  });
}
