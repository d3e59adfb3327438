/**
 * Keys whose owner is forgotten: a shopper's, say. Whoever keeps something by such a key drops it when the event comes that
 * says so. But that event lies in the partition of its own key, and events of other partitions that name the key, all of
 * them older, may come after it. So a tombstone stands for the key until every partition has passed the heads that the log
 * had by then; while it stands, what comes with the key is dropped.
 *
 * At first nobody here knows those heads: what the follower knows of them may be from before. The first heads that are
 * read afterwards, all in one go, and that reach the event, include all that was written before it.
 */
import type { Sequences } from '@micromart/events/position';

export type Tombstone = {
  readonly key: string;
  /** The place of the event that said the key is to be forgotten. */
  readonly partition: number;
  readonly sequence: number;
  /** The heads that every position must reach; undefined while they are not known. */
  readonly heads: Sequences | undefined;
};

/** What stands in the place of a forgotten key where something must (the nil UUID, RFC 9562, 5.9). */
export const NOBODY = '00000000-0000-0000-0000-000000000000';

/** The tombstone with the heads that it waits for, where these tell them: they must have been read in one go. */
export function withHeads(tombstone: Tombstone, read: Sequences): Tombstone {
  const isLater = (read.get(tombstone.partition) ?? 0) >= tombstone.sequence;
  return tombstone.heads || !isLater ? tombstone : { ...tombstone, heads: read };
}

/** Whether nothing older than the event can come any more. */
export const isPassed = ({ heads }: Tombstone, positions: Sequences): boolean =>
  heads !== undefined && [...heads].every(([partition, head]) => (positions.get(partition) ?? 0) >= head);
