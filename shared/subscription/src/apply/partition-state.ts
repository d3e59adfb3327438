import { createReorderBuffer, type ReorderBuffer } from './reorder-buffer.ts';
import { createWatermark, type Watermark } from './watermark.ts';

/** What an instance knows of one partition. Times are milliseconds of the clock that is passed in. */
export type PartitionState = {
  readonly partition: number;
  readonly reorderBuffer: ReorderBuffer;
  readonly watermark: Watermark<Date>;
  /** The owner's head, so far as it is known. */
  head: number;
  /** When the head came to lie beyond what is here. */
  behindSinceMs: number;
  /** When the transport last went ahead here, or others were seen to have moved the position. */
  stirredMs: number;
  /** The highest sequence that the transport has brought since the assignment was told. */
  broughtUpTo: number;
  /** The position is no older than that. */
  refreshedMs: number;
  /** Whether something was learnt that is not written down yet. */
  noteworthy: boolean;
};

/** A partition of which nothing is known yet but its position. */
export const createPartitionState = (partition: number, position: number, nowMs: number): PartitionState => ({
  partition,
  reorderBuffer: createReorderBuffer(position),
  watermark: createWatermark(),
  head: position,
  behindSinceMs: nowMs,
  stirredMs: nowMs,
  broughtUpTo: 0,
  refreshedMs: nowMs,
  noteworthy: false,
});
