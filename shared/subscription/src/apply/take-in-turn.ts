import type { ReceivedEvent } from '@micromart/events/envelope';
import type { PartitionState } from './partition-state.ts';

/**
 * Takes the next events of all partitions in turn, dense and in order within each, none beyond a hold: at most `max`, and none
 * after the one with which their data reaches `fullBytes`.
 */
export type TakeInTurn = (all: readonly PartitionState[], max: number, fullBytes?: number) => ReceivedEvent[];

export function createTakeInTurn(): TakeInTurn {
  let turn = 0;
  return (all, max, fullBytes = Number.POSITIVE_INFINITY) => {
    const events: ReceivedEvent[] = [];
    let bytes = 0;
    // Each batch starts with another partition, so that none is left out while the others fill every batch.
    for (let i = 0; i < all.length && events.length < max && bytes < fullBytes; i += 1) {
      const { reorderBuffer, takeUpTo } = all[(turn + i) % all.length]!;
      const before = reorderBuffer.bufferedBytes;
      const room = { upTo: takeUpTo, fullBytes: fullBytes - bytes };
      events.push(...reorderBuffer.take(max - events.length, room));
      bytes += before - reorderBuffer.bufferedBytes;
    }
    turn += 1;
    return events;
  };
}
