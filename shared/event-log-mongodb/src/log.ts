import { randomBytes } from 'node:crypto';
import type { EventLog } from '@micromart/event-log/event-log';
import type { LoggedEvent } from '@micromart/events/envelope';
import { PARTITIONS } from '@micromart/events/partition';
import type { Sequences } from '@micromart/events/position';
import { isDuplicate } from '@micromart/mongodb/failure';
import type { Mongodb } from '@micromart/mongodb/open';
import { createReads, readLog } from './reads.ts';
import { EVENTS_COLLECTION, LOG_COLLECTION, LOG_ID, type StoredLog } from './stored.ts';

/** A log that can be written: advancing its heads makes the events in its collection part of it. */
export type MongodbEventLog = EventLog & {
  /** Advances heads to at least these sequences, up to which all events must be stored; then notifies the listeners. */
  advanceHeads(reached: Sequences): Promise<void>;
};

/**
 * Opens the log of a database, creates its index, and gives it its identity when it has none: `<family>-<8 hexadecimal
 * digits>`. `source` is the CloudEvents source of all its events. Rejects with the database's error.
 */
export async function openMongodbLog(
  mongodb: Mongodb,
  { family, source }: { family: string; source: string },
): Promise<MongodbEventLog> {
  const { db, engine } = mongodb;
  await engine();
  await db.collection(EVENTS_COLLECTION).createIndex({ id: 1 }, { unique: true });
  const { name, partitions } = await identify(mongodb, family);
  const listeners = new Set<(events: readonly LoggedEvent[]) => void>();

  return {
    name,
    partitions,
    ...createReads(mongodb, source, async () => ({ name, partitions })),

    async advanceHeads(reached) {
      const heads = Object.fromEntries([...reached].map(([partition, last]) => [`heads.${partition}`, last]));
      await db.collection<StoredLog>(LOG_COLLECTION).updateOne({ _id: LOG_ID }, { $max: heads });
      for (const listener of listeners) listener([]);
    },

    onAppended(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

async function identify(mongodb: Mongodb, family: string): Promise<StoredLog> {
  const fresh: StoredLog = {
    _id: LOG_ID,
    name: `${family}-${randomBytes(4).toString('hex')}`,
    partitions: PARTITIONS,
    heads: Object.fromEntries(Array.from({ length: PARTITIONS }, (_, partition) => [partition, 0])),
  };
  const known = await readLog(mongodb);
  if (known) return known;
  await mongodb.db
    .collection<StoredLog>(LOG_COLLECTION)
    .insertOne(fresh)
    .catch((error) => {
      // Another process was faster.
      if (!isDuplicate(error)) throw error;
    });
  const made = await readLog(mongodb);
  if (!made) throw new Error('the log that was just created is missing; start the service again');
  return made;
}
