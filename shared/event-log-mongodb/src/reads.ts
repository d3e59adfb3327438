import { type EventLog, logMissing } from '@micromart/event-log/event-log';
import { FULL_PAGE_BYTES, FULL_SHARE_BYTES } from '@micromart/event-log/page';
import { dataBytes } from '@micromart/events/data-bytes';
import type { LoggedEvent } from '@micromart/events/envelope';
import type { Sequences } from '@micromart/events/position';
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
/** How many events one query reads. */
const MAX_FOUND = 200;

/** The events of a partition read so far, and which ones are read next. */
type Share = {
  readonly partition: number;
  next: number;
  upTo: number;
  bytes: number;
  readonly events: LoggedEvent[];
};

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

  /**
   * The events after a sequence in each partition, up to the one that fills its share (event-log/page.ts), at most `limit` of
   * each and no further than its head. It reads them in several queries, so that few large events are in memory at once.
   */
  async function read(
    after: Sequences,
    { limit, fullBytes }: { limit: number; fullBytes: number },
  ): Promise<LoggedEvent[]> {
    const log = await readLog(mongodb);
    const shares = [...after].map(([partition, sequence]): Share => {
      const upTo = Math.min(sequence + limit, log?.heads[partition] ?? 0);
      return { partition, next: sequence + 1, upTo, bytes: 0, events: [] };
    });
    const isOpen = ({ next, upTo, bytes }: Share) => next <= upTo && bytes < fullBytes;
    for (let open = shares.filter(isOpen); open.length > 0; open = open.filter(isOpen)) {
      const wanted = open.map((share) => nextIds(share, Math.ceil(MAX_FOUND / open.length)));
      const found = await findByIds(mongodb, events, wanted.flat());
      const byId = new Map(found.map((event) => [event._id, event]));
      for (const [n, share] of open.entries())
        for (const id of wanted[n]!) if (isOpen(share)) add(share, byId.get(id));
    }
    return shares.flatMap(({ events }) => events);
  }

  function add(share: Share, stored: StoredEvent | undefined): void {
    // A newly elected primary may show an event a moment later, so reading stops before a missing event.
    if (!stored) {
      share.upTo = share.next - 1;
      return;
    }
    share.events.push(toEvent(stored, source));
    share.bytes += dataBytes(stored.data);
    share.next += 1;
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
      if (!log) throw logMissing();
      const last = Object.entries(log.heads).map(([partition, head]) => [Number(partition), head] as const);
      return { log: log.name, at: localTime, last: new Map(last) };
    },

    async page(partition, after, limit) {
      await identity();
      return read(new Map([[partition, after]]), { limit, fullBytes: FULL_PAGE_BYTES });
    },

    async eventsAfter(after, limit) {
      const { partitions } = await identity();
      const share = Math.max(1, Math.floor(limit / partitions));
      return read(after, { limit: share, fullBytes: FULL_SHARE_BYTES });
    },
  };
}

const nextIds = ({ partition, next, upTo }: Share, max: number): string[] =>
  Array.from({ length: Math.min(max, upTo - next + 1) }, (_, n) => idOfPosition(partition, next + n));
