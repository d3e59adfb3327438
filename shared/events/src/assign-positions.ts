import type { NewEvent } from './envelope.ts';
import { partitionOf } from './partition.ts';

/** An event with its id, its partition, and which one of the batch's events in that partition it is, from 1. */
export type PositionedEvent = NewEvent & {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  readonly traceparent: string | undefined;
};

export type Positioning = { readonly partitions: number; readonly newId: () => string };

/** Where a document's last event stands: one of this batch's (offset ≥ 1), or an earlier one's (offset 0). */
export type BatchPosition = {
  readonly partition: number;
  readonly offset: number;
  readonly sequence: number;
};

/** Gives the events of one batch their places, in the order in which they come. `newId` makes UUIDs. */
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
