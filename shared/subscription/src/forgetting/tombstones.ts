/**
 * Tombstones of keys whose owner is forgotten, a shopper's for example. A projection that keeps data by such a key drops it
 * when the event that forgets it comes. But older events of other partitions that name the key may come later. So a tombstone
 * exists until every partition has passed the heads that the log had when the key was forgotten; until then, data with the
 * key is dropped.
 *
 * The follower does not know those heads at first: the heads that it knows may be older. The first heads that are read
 * afterwards in one snapshot, and that reach the event, include everything that was written before it.
 */
import type { Sequences } from '@micromart/events/position';

export type Tombstone = {
  readonly key: string;
  /** Partition and sequence of the event that forgets the key. */
  readonly partition: number;
  readonly sequence: number;
  /** The heads that every position must reach; undefined while they are not known. */
  readonly heads: Sequences | undefined;
};

/** Replaces a forgotten key where a key is required (the nil UUID, RFC 9562, 5.9). */
export const NOBODY = '00000000-0000-0000-0000-000000000000';

/** The tombstone with the heads that it waits for, if `read` reaches its event. `read` must come from one snapshot. */
export function withHeads(tombstone: Tombstone, read: Sequences): Tombstone {
  const isLater = (read.get(tombstone.partition) ?? 0) >= tombstone.sequence;
  return tombstone.heads || !isLater ? tombstone : { ...tombstone, heads: read };
}

/** Whether no event older than the tombstone's can come any more. */
export const isPassed = ({ heads }: Tombstone, positions: Sequences): boolean =>
  heads !== undefined && [...heads].every(([partition, head]) => (positions.get(partition) ?? 0) >= head);
