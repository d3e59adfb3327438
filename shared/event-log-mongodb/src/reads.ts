import type { EventLog } from '@micromart/event-log/event-log';
import type { LoggedEvent } from '@micromart/events/envelope';
import type { Sequences } from '@micromart/events/position';
import { problem } from '@micromart/http/problem';
import { findByIds } from '@micromart/mongodb/by-id';
import type { Mongodb } from '@micromart/mongodb/open';
import {
  EVENTS_COLLECTION,
  idOfPosition,
  LOG_COLLECTION,
  LOG_ID,
  type StoredEvent,
  type StoredLog,
  toEvent,
} from './stored.ts';

const LINEARIZABLE_TIMEOUT_MS = 5_000;

/** The log's own document; undefined while there is none. */
export async function readLog({ db }: Mongodb): Promise<StoredLog | undefined> {
  return (await db.collection<StoredLog>(LOG_COLLECTION).findOne({ _id: LOG_ID })) ?? undefined;
}

/**
 * The queries of a log. Each calls `identity` first, which may reject. Sequences are dense, so the ids to read are known
 * beforehand.
 */
export function createReads(
  mongodb: Mongodb,
  source: string,
  identity: () => Promise<Pick<EventLog, 'name' | 'partitions'>>,
): Pick<EventLog, 'heads' | 'page' | 'eventsAfter'> {
  const { db } = mongodb;
  const events = db.collection<StoredEvent>(EVENTS_COLLECTION);

  /** The events after a sequence in each partition, at most `share` of each and no further than its head. */
  async function read(after: Sequences, share: number): Promise<LoggedEvent[]> {
    const log = await readLog(mongodb);
    const wanted = [...after].map(([partition, sequence]) => {
      const count = Math.min(share, (log?.heads[partition] ?? 0) - sequence);
      return Array.from({ length: Math.max(0, count) }, (_, n) => idOfPosition(partition, sequence + n + 1));
    });
    const ids = wanted.flat();
    if (ids.length === 0) return [];
    const found = new Map((await findByIds(mongodb, events, ids)).map((event) => [event._id, event]));
    return wanted.flatMap((ofPartition) => {
      // A primary that has just been elected may show an event a moment later.
      const gap = ofPartition.findIndex((id) => !found.has(id));
      return ofPartition.slice(0, gap === -1 ? undefined : gap).map((id) => toEvent(found.get(id)!, source));
    });
  }

  return {
    async heads() {
      await identity();
      const { localTime } = await db.command({ hello: 1 });
      // A primary that has just been elected may not know yet what a majority has: its heads would go back for a moment,
      // and a follower beyond them would take the log for another one. A linearizable read waits instead.
      const { replicated } = await mongodb.engine();
      const log = await db
        .collection<StoredLog>(LOG_COLLECTION)
        .findOne(
          { _id: LOG_ID },
          replicated ? { readConcern: { level: 'linearizable' }, maxTimeMS: LINEARIZABLE_TIMEOUT_MS } : {},
        );
      if (!log) throw problem('unavailable', 'The log is not in its database any more.');
      const last = Object.entries(log.heads).map(([partition, head]) => [Number(partition), head] as const);
      return { log: log.name, at: localTime, last: new Map(last) };
    },

    async page(partition, after, limit) {
      await identity();
      return read(new Map([[partition, after]]), limit);
    },

    async eventsAfter(after, limit) {
      const { partitions } = await identity();
      return read(after, Math.max(1, Math.floor(limit / partitions)));
    },
  };
}
