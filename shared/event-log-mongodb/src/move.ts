import { partitionOf } from '@micromart/events/partition';
import { writeInBulks } from '@micromart/mongodb/bulk';
import type { Mongodb } from '@micromart/mongodb/open';
import type { AnyBulkWriteOperation, Filter } from 'mongodb';
import { createAppend } from './append.ts';
import type { MongodbEventLog } from './log.ts';
import type { Entry, StoredDocument } from './stored.ts';

export type Unmoved = Pick<StoredDocument<unknown>, '_id' | 'version'> & {
  readonly pending: readonly Entry[];
};

/** Sequences of events, each in its partition, by the events' ids. */
export type Moved = ReadonlyMap<string, number>;

/**
 * Moves documents' events to the log in three steps: append the events behind the log's heads, advance the heads, remove the
 * events from their documents. A crash may follow any step. Any process may repeat all three: an event that is in the log
 * keeps its position, heads only rise, and a document that was changed since is left alone.
 */
export type Move = {
  /** The first two steps: after them the events are in the log. */
  toLog(documents: readonly Unmoved[]): Promise<Moved>;
  /** The third step. */
  free(documents: readonly Unmoved[], moved: Moved): Promise<void>;
};

export function createMove(
  mongodb: Mongodb,
  { collection, log }: { collection: string; log: MongodbEventLog },
): Move {
  const append = createAppend(mongodb, log);
  const documents = mongodb.db.collection<StoredDocument<unknown>>(collection);

  return {
    async toLog(unmoved) {
      const entries = unmoved.flatMap(({ pending }) => pending);
      if (entries.length === 0) return new Map();
      const moved = await append(entries);
      const reached = new Map<number, number>();
      for (const { id, key } of entries) {
        const partition = partitionOf(key, log.partitions);
        reached.set(partition, Math.max(reached.get(partition) ?? 0, moved.get(id)!));
      }
      await log.advanceHeads(reached);
      return moved;
    },

    async free(unmoved, moved) {
      const { atomicUpdates } = await mongodb.engine();
      const operations = unmoved
        .filter(({ pending }) => pending.length > 0)
        .map(({ _id, version, pending }): AnyBulkWriteOperation<StoredDocument<unknown>> => {
          const filter = atomicUpdates ? { _id, version } : { _id };
          const update = {
            $set: { sequence: moved.get(pending.at(-1)!.id)! },
            $unset: { pending: '', unmoved: '' },
          } as const;
          return { updateOne: { filter: filter as Filter<StoredDocument<unknown>>, update } };
        });
      await writeInBulks(mongodb, documents, operations);
    },
  };
}
