/**
 * An instance's picture of one subscription: for each partition what has come, what is missing, and what the owner said of
 * its head. The loops of follower.ts share it: some add events, one takes them out. Pure; the clock is passed in
 * (milliseconds that only grow).
 *
 * Where a transport assigns partitions, a partition is the instance's own while it is assigned to it. Events are added to
 * own partitions only, and holes are filled there. The instance that leads knows the heads and looks after the ends of all
 * partitions. Of another instance's it sees only what the database says, so it reads there before it takes one for stuck.
 */

import type { Heads } from '@micromart/event-log/event-log';
import type { ReceivedEvent } from '@micromart/events/envelope';
import type { Sequences } from '@micromart/events/position';
import type { Limits } from '../limits.ts';
import type { PartitionAssignment } from '../sources/partition-assignment.ts';
import type { Checkpoint, CheckpointMetadata } from './checkpoint.ts';
import { createPartitionState, type PartitionState } from './partition-state.ts';
import { type Missing, type ReorderBuffer, sequenceOf } from './reorder-buffer.ts';

export type Fetch = Missing & { readonly partition: number; readonly limit: number };

export type SubscriptionState = {
  readonly log: string | undefined;
  /** Takes in what the database said when it was asked at `askedMs`: others may have moved on. */
  learn(checkpoint: Checkpoint, askedMs: number): void;
  /** Starts again from a checkpoint, after a failure: what was handed out counts as not had. */
  restart(checkpoint: Checkpoint, askedMs: number): void;
  /** Takes note that the assignment has changed: what waits of others' partitions is theirs to apply. */
  reassign(): void;
  /** From now on this instance looks after the ends of all partitions, until it resigns. */
  lead(nowMs: number): void;
  resign(): void;
  /** Whether the database is to be looked into: for partitions that were assigned, or for others' that lie behind. */
  mustRefresh(): boolean;
  /** Takes in what the owner said of its heads. */
  hear(heads: Heads, nowMs: number): void;
  /** Whether events of this partition may come in now. */
  admits(partition: number): boolean;
  /** Takes in what came by the transport, in any order; gives how many events were new. */
  accept(partition: number, events: readonly ReceivedEvent[], nowMs: number): number;
  /** Takes in what was fetched; gives how many events were new. */
  fill(partition: number, events: readonly ReceivedEvent[]): number;
  /** Takes in what came along with the heads, as far as there is room; the rest is fetched. */
  acceptWithHeads(events: readonly ReceivedEvent[]): void;
  /** What is to be fetched now, the emptiest partitions first, and in how many milliseconds there will be more. */
  due(nowMs: number): { fetches: Fetch[]; nextMs: number | undefined };
  /** The next events to apply, of all partitions in turn, dense and in order in each. */
  take(max: number): ReceivedEvent[];
  commit(partition: number, sequence: number): void;
  positions(): Sequences;
  heads(): Sequences;
  /** What was learnt since the last call. */
  takeCheckpointMetadata(): CheckpointMetadata[];
};

type StateLimits = Pick<Limits, 'bufferedEvents' | 'pageEvents'>;

/** Without an assignment, all partitions are this instance's own, and everything is fetched at once. */
export function createSubscriptionState(
  { bufferedEvents, pageEvents }: StateLimits,
  assignment?: PartitionAssignment,
): SubscriptionState {
  let log: string | undefined;
  let leading = false;
  const partitionStates = new Map<number, PartitionState>();
  let turn = 0;
  const isOwn = ({ partition }: PartitionState) => assignment?.owns(partition) ?? true;
  /** Whether others may have moved its position since the database was looked into. */
  const isUnsure = ({ refreshedMs }: PartitionState) =>
    assignment !== undefined && refreshedMs < assignment.assignedMs;

  /** Takes each partition to where the database says; `move` tells whether others have been there. */
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
      if (!move(partitionState.reorderBuffer, position)) continue;
      partitionState.stirredMs = askedMs;
      partitionState.noteworthy = true;
    }
  }

  function dueOf(partitionState: PartitionState, nowMs: number): { fetch: Fetch; inMs: number } | undefined {
    const { partition, reorderBuffer } = partitionState;
    const missing = reorderBuffer.missing(partitionState.head);
    if (!missing) return undefined;
    const size = missing.upTo - missing.after;
    if (missing.kind === 'hole')
      return { fetch: { ...missing, partition, limit: Math.min(size, pageEvents) }, inMs: 0 };
    // Whole pages, once half of what may wait has gone: a page for each event that leaves would be many requests.
    if (!leading || reorderBuffer.buffered > bufferedEvents / 2) return undefined;
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
        partitionState.broughtUpTo = 0;
        if (assignment?.assigned && !isOwn(partitionState)) partitionState.reorderBuffer.drop();
      }
    },

    lead(nowMs) {
      leading = true;
      for (const partitionState of partitionStates.values()) partitionState.stirredMs = nowMs;
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
          ? isUnsure(partitionState)
          : leading && partitionState.head > partitionState.reorderBuffer.position,
      );
    },

    hear({ at, last }, nowMs) {
      for (const [partition, head] of last) {
        const partitionState = partitionStates.get(partition)!;
        const { ready } = partitionState.reorderBuffer;
        if (head > ready && partitionState.head <= ready) partitionState.behindSinceMs = nowMs;
        partitionState.head = Math.max(partitionState.head, head);
        partitionState.watermark.set(head, at);
        partitionState.noteworthy = true;
      }
    },

    admits(partition) {
      const partitionState = partitionStates.get(partition);
      return (
        partitionState !== undefined &&
        !isUnsure(partitionState) &&
        partitionState.reorderBuffer.buffered < bufferedEvents
      );
    },

    accept(partition, events, nowMs) {
      const partitionState = partitionStates.get(partition);
      if (!partitionState) return 0;
      const fresh = partitionState.reorderBuffer.accept(events);
      const last = events.reduce((highest, event) => Math.max(highest, sequenceOf(event)), 0);
      // A transport that only repeats itself is silent about what the owner has; one that catches up is not.
      if (fresh > 0 || last > partitionState.broughtUpTo) partitionState.stirredMs = nowMs;
      partitionState.broughtUpTo = Math.max(partitionState.broughtUpTo, last);
      return fresh;
    },

    fill: (partition, events) => partitionStates.get(partition)?.reorderBuffer.accept(events) ?? 0,

    acceptWithHeads(events) {
      for (const [partition, own] of Map.groupBy(events, (event) => event.partition)) {
        const partitionState = partitionStates.get(partition);
        if (partitionState && partitionState.reorderBuffer.buffered < bufferedEvents)
          partitionState.reorderBuffer.accept(own);
      }
    },

    due(nowMs) {
      const all = [...partitionStates.values()].flatMap(
        (partitionState) => dueOf(partitionState, nowMs) ?? [],
      );
      const later = all.filter(({ inMs }) => inMs > 0).map(({ inMs }) => inMs);
      const waiting = ({ partition }: Fetch) => partitionStates.get(partition)!.reorderBuffer.buffered;
      return {
        fetches: all
          .filter(({ inMs }) => inMs === 0)
          .map(({ fetch }) => fetch)
          .sort((a, b) => waiting(a) - waiting(b)),
        nextMs: later.length > 0 ? Math.min(...later) : undefined,
      };
    },

    take(max) {
      const all = [...partitionStates.values()];
      const events: ReceivedEvent[] = [];
      // Another partition comes first each time, so that none is left out while the others fill every batch.
      for (let i = 0; i < all.length && events.length < max; i += 1)
        events.push(...all[(turn + i) % all.length]!.reorderBuffer.take(max - events.length));
      turn += 1;
      return events;
    },

    commit(partition, sequence) {
      const partitionState = partitionStates.get(partition)!;
      partitionState.reorderBuffer.commit(sequence);
      partitionState.noteworthy = true;
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
        if (!partitionState.noteworthy) return [];
        partitionState.noteworthy = false;
        const { partition, head, reorderBuffer, watermark } = partitionState;
        return [{ partition, head, asOf: watermark.reached(reorderBuffer.position) }];
      });
    },
  };
}
