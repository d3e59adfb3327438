import { createReorderBuffer, type ReorderBuffer } from './reorder-buffer.ts';
import { createWatermark, type Watermark } from './watermark.ts';

/** What an instance knows of one partition. Times are milliseconds of the monotonic clock that is passed in. */
export type PartitionState = {
  readonly partition: number;
  readonly reorderBuffer: ReorderBuffer;
  readonly watermark: Watermark<Date>;
  /** The owner's head, as far as it is known. */
  head: number;
  /** Since when the head lies beyond the events that are here. */
  behindSinceMs: number;
  /** When the transport last delivered something new, or another instance was seen to have moved the position. */
  lastProgressMs: number;
  /** The highest sequence that the transport has delivered since the last assignment. */
  deliveredUpTo: number;
  /** When the position was last read from the database. */
  refreshedMs: number;
  /** No events beyond this sequence may be taken: a hold, else infinity. */
  takeUpTo: number;
  /** Whether head or watermark changed since the checkpoint's metadata was last taken. */
  hasUnwrittenMetadata: boolean;
};

/** A partition of which only the position is known. */
export const createPartitionState = (partition: number, position: number, nowMs: number): PartitionState => ({
  partition,
  reorderBuffer: createReorderBuffer(position),
  watermark: createWatermark(),
  head: position,
  behindSinceMs: nowMs,
  lastProgressMs: nowMs,
  deliveredUpTo: 0,
  refreshedMs: nowMs,
  takeUpTo: Number.POSITIVE_INFINITY,
  hasUnwrittenMetadata: false,
});
