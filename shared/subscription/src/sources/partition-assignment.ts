/**
 * An instance's share of the partitions, as the transport told it, and how long the instance that leads waits for what
 * the owner has and nobody has brought. Pure; the clock is passed in.
 *
 * - With a place at the transport: until nothing has come for the grace. A transport that waits for room here is not
 *   silent, in none of the partitions, for it may be unable to go on with any.
 * - Without a place nothing will come here. So after the first moments, which taking a place needs, everything is
 *   fetched as soon as the owner has it, as if there were no transport; except where others go on applying.
 */
import type { Limits } from '../limits.ts';

export type PartitionAssignment = {
  /** Undefined while this instance has no place at the transport. */
  readonly assigned: ReadonlySet<number> | undefined;
  /** When that was told. */
  readonly assignedMs: number;
  owns(partition: number): boolean;
  assign(partitions: readonly number[] | undefined, nowMs: number): void;
  /** A delivery waits for room, until it is released. */
  hold(): void;
  release(nowMs: number): void;
  /** When what has not come by itself is to be fetched. */
  fetchDeadlineMs(lane: Silence): number;
};

/** What is known of a partition of which less is here than the owner has. */
export type Silence = {
  readonly partition: number;
  /** When the owner's head came to lie beyond what is here. */
  readonly behindSinceMs: number;
  /** When the transport last went ahead there, or others were seen to have moved the position. */
  readonly stirredMs: number;
};

export function createPartitionAssignment(
  { graceMs, awayMs }: Pick<Limits, 'graceMs' | 'awayMs'>,
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
    fetchDeadlineMs({ partition, behindSinceMs, stirredMs }) {
      if (!assigned) return Math.max(stirredMs, assignedMs) + awayMs;
      if (!owns(partition)) return Math.max(stirredMs, behindSinceMs) + graceMs;
      return held > 0 ? Infinity : Math.max(stirredMs, behindSinceMs, releasedMs) + graceMs;
    },
  };
}
