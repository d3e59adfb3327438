import type { NewEvent } from './envelope.ts';
import { partitionOf } from './partition.ts';

/** An event with its id, its partition, and its `offset`: its number among the batch's events in that partition, from 1. */
export type PositionedEvent = NewEvent & {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  readonly traceparent: string | undefined;
};

export type Positioning = { readonly partitions: number; readonly newId: () => string };

/** The position of a document's last event: in this batch (offset ≥ 1), or in an earlier one (offset 0, `sequence` known). */
export type BatchPosition = {
  readonly partition: number;
  readonly offset: number;
  readonly sequence: number;
};

/** Assigns the events of one batch their partitions and offsets, in the order of the calls. `newId` makes UUIDs. */
export function createPositioner({
  partitions,
  newId,
}: Positioning): (event: NewEvent, traceparent: string | undefined) => PositionedEvent {
  const counts = new Map<number, number>();
  return (event, traceparent) => {
    const partition = partitionOf(event.key, partitions);
    const offset = (counts.get(partition) ?? 0) + 1;
    counts.set(partition, offset);
    return { ...event, id: newId(), partition, offset, traceparent };
  };
}
