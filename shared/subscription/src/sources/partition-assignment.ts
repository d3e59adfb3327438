/**
 * The partitions that the transport has assigned to an instance, and how long the leader waits before it fetches events that
 * the owner has and the transport has not delivered. Pure; the clock is passed in.
 *
 * - With an assignment: until nothing new has come for `graceMs`. While a delivery waits for room here, the leader fetches
 *   nothing for any partition of its own, because the transport may be unable to continue with any of them.
 * - Without an assignment nothing will be delivered here. So after `unassignedMs`, which joining the transport may take,
 *   events are fetched as soon as the owner has them, except in partitions where other instances continue to apply.
 */
import type { Limits } from '../limits.ts';

export type PartitionAssignment = {
  /** Undefined while this instance has no assignment. */
  readonly assigned: ReadonlySet<number> | undefined;
  /** When `assigned` last changed. */
  readonly assignedMs: number;
  owns(partition: number): boolean;
  assign(partitions: readonly number[] | undefined, nowMs: number): void;
  /** A delivery waits for room from now on, until `release`. */
  hold(): void;
  release(nowMs: number): void;
  /** When missing events of a partition must be fetched; Infinity while deliveries wait for room. */
  fetchDeadlineMs(partition: BehindPartition): number;
};

/** A partition of which the owner has more events than are here. */
export type BehindPartition = {
  readonly partition: number;
  /** Since when the owner's head lies beyond the events that are here. */
  readonly behindSinceMs: number;
  /** When the transport last delivered something new, or another instance was seen to have moved the position. */
  readonly lastProgressMs: number;
};

export function createPartitionAssignment(
  { graceMs, unassignedMs }: Pick<Limits, 'graceMs' | 'unassignedMs'>,
  nowMs: number,
): PartitionAssignment {
  let assigned: ReadonlySet<number> | undefined;
  let assignedMs = nowMs;
  let held = 0;
  let releasedMs = nowMs;
  const owns = (partition: number) => assigned?.has(partition) ?? false;

  return {
    get assigned() {
      return assigned;
    },
    get assignedMs() {
      return assignedMs;
    },
    owns,
    assign(partitions, nowMs) {
      assigned = partitions && new Set(partitions);
      assignedMs = nowMs;
    },
    hold() {
      held += 1;
    },
    release(nowMs) {
      held -= 1;
      releasedMs = nowMs;
    },
    fetchDeadlineMs({ partition, behindSinceMs, lastProgressMs }) {
      if (!assigned) return Math.max(lastProgressMs, assignedMs) + unassignedMs;
      if (!owns(partition)) return Math.max(lastProgressMs, behindSinceMs) + graceMs;
      return held > 0 ? Infinity : Math.max(lastProgressMs, behindSinceMs, releasedMs) + graceMs;
    },
  };
}
