/**
 * An instance's state of one subscription: for each partition the events that have come, those that are missing, and the
 * owner's head. The loops of follower.ts share it: some add events, one takes them out. Pure; the clock is passed in, in
 * milliseconds that only grow.
 *
 * With a transport, an instance owns the partitions that are assigned to it. It accepts events only for these, and fills
 * their holes. The leader knows the heads and fetches the tails of all partitions. What another instance has applied it sees
 * only in the database, so it reads the position there before it fetches for that instance.
 */

import type { Heads } from '@micromart/event-log/event-log';
import type { ReceivedEvent } from '@micromart/events/envelope';
import type { Sequences } from '@micromart/events/position';
import type { Limits } from '../limits.ts';
import type { PartitionAssignment } from '../sources/partition-assignment.ts';
import type { Checkpoint, CheckpointMetadata } from './checkpoint.ts';
import { createPartitionState, type PartitionState } from './partition-state.ts';
import { type Missing, type ReorderBuffer, sequenceOf } from './reorder-buffer.ts';
import { createTakeInTurn } from './take-in-turn.ts';

export type Fetch = Missing & { readonly partition: number; readonly limit: number };

export type SubscriptionState = {
  readonly log: string | undefined;
  /** Adopts positions that were read from the database at `askedMs`: other instances may have moved them. */
  learn(checkpoint: Checkpoint, askedMs: number): void;
  /** Starts again from a checkpoint, after a failure: what was taken beyond it is missing again. */
  restart(checkpoint: Checkpoint, askedMs: number): void;
  /** The assignment has changed: discards the buffered events of partitions that others now own. */
  reassign(): void;
  /** From now on this instance fetches the tails of all partitions, until it resigns. */
  lead(nowMs: number): void;
  resign(): void;
  /** Whether positions must be read again: of newly assigned partitions, or of others' that lie behind. */
  mustRefresh(): boolean;
  /** Records the owner's heads. */
  learnHeads(heads: Heads, nowMs: number): void;
  /** Whether events of this partition are accepted now. */
  admits(partition: number): boolean;
  /** Adds events that the transport delivered, in any order. Returns how many were new. */
  accept(partition: number, events: readonly ReceivedEvent[], nowMs: number): number;
  /** Adds fetched events. Returns how many were new. */
  fill(partition: number, events: readonly ReceivedEvent[]): number;
  /** Adds events that came with the heads, as far as there is room; the rest is fetched. */
  acceptWithHeads(events: readonly ReceivedEvent[]): void;
  /** What must be fetched now, the emptiest buffers first, and in how many milliseconds more is due. */
  due(nowMs: number): { fetches: Fetch[]; nextMs: number | undefined };
  /** The next events to apply (take-in-turn.ts). */
  take(max: number, fullBytes?: number): ReceivedEvent[];
  /** Whether a position was held when the database was last asked: then it is to be asked again soon. */
  isHeld(): boolean;
  commit(partition: number, sequence: number): void;
  positions(): Sequences;
  heads(): Sequences;
  /** The metadata that changed since the last call. */
  takeCheckpointMetadata(): CheckpointMetadata[];
};

type StateLimits = Pick<Limits, 'bufferedEvents' | 'bufferedBytes' | 'pageEvents'>;

/** Without an assignment, this instance owns all partitions and fetches everything at once. */
export function createSubscriptionState(
  { bufferedEvents, bufferedBytes, pageEvents }: StateLimits,
  assignment?: PartitionAssignment,
): SubscriptionState {
  let log: string | undefined;
  let leading = false;
  const partitionStates = new Map<number, PartitionState>();
  const takeInTurn = createTakeInTurn();
  const isOwn = ({ partition }: PartitionState) => assignment?.owns(partition) ?? true;
  /** 1 when no more is to be fetched or accepted. */
  const fullness = (buffer: ReorderBuffer) =>
    Math.max(buffer.buffered / bufferedEvents, buffer.bufferedBytes / bufferedBytes);
  /** Whether others may have moved its position since that was last read. */
  const mayHaveMoved = ({ refreshedMs }: PartitionState) =>
    assignment !== undefined && refreshedMs < assignment.assignedMs;

  /** Moves each partition to its stored position; `move` returns whether that changed it. */
  function movePartitions(
    checkpoint: Checkpoint,
    askedMs: number,
    move: (reorderBuffer: ReorderBuffer, position: number) => boolean,
  ) {
    log = checkpoint.log;
    for (const [partition, position] of checkpoint.positions) {
      const partitionState =
        partitionStates.get(partition) ?? createPartitionState(partition, position, askedMs);
      partitionStates.set(partition, partitionState);
      partitionState.refreshedMs = askedMs;
      partitionState.takeUpTo = checkpoint.holds.get(partition) ?? Number.POSITIVE_INFINITY;
      if (!move(partitionState.reorderBuffer, position)) continue;
      partitionState.lastProgressMs = askedMs;
      partitionState.hasUnwrittenMetadata = true;
    }
  }

  function dueOf(partitionState: PartitionState, nowMs: number): { fetch: Fetch; inMs: number } | undefined {
    const { partition, reorderBuffer } = partitionState;
    const missing = reorderBuffer.missing(partitionState.head);
    if (!missing) return undefined;
    const size = missing.upTo - missing.after;
    if (missing.kind === 'hole')
      return { fetch: { ...missing, partition, limit: Math.min(size, pageEvents) }, inMs: 0 };
    // Whole pages, and only once half of the buffer is free: otherwise each applied event would cause a request.
    if (!leading || fullness(reorderBuffer) > 1 / 2) return undefined;
    const dueMs = assignment?.fetchDeadlineMs(partitionState) ?? 0;
    if (!Number.isFinite(dueMs) || (!isOwn(partitionState) && partitionState.refreshedMs < dueMs))
      return undefined;
    return { fetch: { ...missing, partition, limit: pageEvents }, inMs: Math.max(0, dueMs - nowMs) };
  }

  return {
    get log() {
      return log;
    },

    learn(checkpoint, askedMs) {
      movePartitions(checkpoint, askedMs, (reorderBuffer, position) => reorderBuffer.skipTo(position));
    },

    restart(checkpoint, askedMs) {
      movePartitions(checkpoint, askedMs, (reorderBuffer, position) => {
        const moved = position > reorderBuffer.position;
        reorderBuffer.restart(position);
        return moved;
      });
    },

    reassign() {
      for (const partitionState of partitionStates.values()) {
        partitionState.deliveredUpTo = 0;
        if (assignment?.assigned && !isOwn(partitionState)) partitionState.reorderBuffer.drop();
      }
    },

    lead(nowMs) {
      leading = true;
      for (const partitionState of partitionStates.values()) partitionState.lastProgressMs = nowMs;
    },

    resign() {
      leading = false;
      for (const partitionState of partitionStates.values()) partitionState.head = 0;
    },

    mustRefresh() {
      if (!assignment) return false;
      if (assignment.assigned?.size && log === undefined) return true;
      return [...partitionStates.values()].some((partitionState) =>
        isOwn(partitionState)
          ? mayHaveMoved(partitionState)
          : leading && partitionState.head > partitionState.reorderBuffer.position,
      );
    },

    learnHeads({ at, last }, nowMs) {
      for (const [partition, head] of last) {
        const partitionState = partitionStates.get(partition);
        if (!partitionState) continue;
        const { ready } = partitionState.reorderBuffer;
        if (head > ready && partitionState.head <= ready) partitionState.behindSinceMs = nowMs;
        partitionState.head = Math.max(partitionState.head, head);
        partitionState.watermark.set(head, at);
        partitionState.hasUnwrittenMetadata = true;
      }
    },

    admits(partition) {
      const partitionState = partitionStates.get(partition);
      return (
        partitionState !== undefined &&
        !mayHaveMoved(partitionState) &&
        fullness(partitionState.reorderBuffer) < 1
      );
    },

    accept(partition, events, nowMs) {
      const partitionState = partitionStates.get(partition);
      if (!partitionState) return 0;
      const fresh = partitionState.reorderBuffer.accept(events);
      const last = events.reduce((highest, event) => Math.max(highest, sequenceOf(event)), 0);
      // A repeated delivery is no progress; a delivery of fetched events that the transport had not delivered yet is.
      if (fresh > 0 || last > partitionState.deliveredUpTo) partitionState.lastProgressMs = nowMs;
      partitionState.deliveredUpTo = Math.max(partitionState.deliveredUpTo, last);
      return fresh;
    },

    fill: (partition, events) => partitionStates.get(partition)?.reorderBuffer.accept(events) ?? 0,

    acceptWithHeads(events) {
      for (const [partition, own] of Map.groupBy(events, (event) => event.partition)) {
        const partitionState = partitionStates.get(partition);
        if (partitionState && fullness(partitionState.reorderBuffer) < 1)
          partitionState.reorderBuffer.accept(own);
      }
    },

    due(nowMs) {
      const all = [...partitionStates.values()].flatMap(
        (partitionState) => dueOf(partitionState, nowMs) ?? [],
      );
      const later = all.filter(({ inMs }) => inMs > 0).map(({ inMs }) => inMs);
      const buffered = ({ partition }: Fetch) => partitionStates.get(partition)!.reorderBuffer.buffered;
      return {
        fetches: all
          .filter(({ inMs }) => inMs === 0)
          .map(({ fetch }) => fetch)
          .sort((a, b) => buffered(a) - buffered(b)),
        nextMs: later.length > 0 ? Math.min(...later) : undefined,
      };
    },

    take: (max, fullBytes) => takeInTurn([...partitionStates.values()], max, fullBytes),

    isHeld: () => [...partitionStates.values()].some(({ takeUpTo }) => Number.isFinite(takeUpTo)),

    commit(partition, sequence) {
      const partitionState = partitionStates.get(partition)!;
      partitionState.reorderBuffer.commit(sequence);
      partitionState.hasUnwrittenMetadata = true;
    },

    positions: () =>
      new Map(
        [...partitionStates].map(([partition, { reorderBuffer }]) => [partition, reorderBuffer.position]),
      ),
    heads: () =>
      new Map(
        [...partitionStates].map(([partition, { head, reorderBuffer }]) => [
          partition,
          Math.max(head, reorderBuffer.ready),
        ]),
      ),

    takeCheckpointMetadata() {
      return [...partitionStates.values()].flatMap((partitionState) => {
        if (!partitionState.hasUnwrittenMetadata) return [];
        partitionState.hasUnwrittenMetadata = false;
        const { partition, head, reorderBuffer, watermark } = partitionState;
        return [{ partition, head, asOf: watermark.reached(reorderBuffer.position) }];
      });
    },
  };
}
