/**
 * How events get their positions. An event's `_id` is its partition and sequence, so a writer takes a position by an insert,
 * and the second one is refused. The event's own id is unique too, so it comes to the log once, whichever writers move it and
 * however often. Several writers may append at the same time:
 *
 * - inserts are ordered and end at the first that is refused, and no writer tries a sequence before it knows that the one below
 *   is taken: so sequences are dense;
 * - a writer that is refused reads which of its events are there and which sequence is the last, and appends the others behind
 *   it. A writer whose outcome is in doubt does the same, by trying again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { EventLog } from '@micromart/event-log/event-log';
import { partitionOf } from '@micromart/events/partition';
import { findByIds } from '@micromart/mongodb/by-id';
import { isDuplicate } from '@micromart/mongodb/failure';
import type { Mongodb } from '@micromart/mongodb/open';
import { type Entry, EVENTS_COLLECTION, idOfPosition, positionOfId, type StoredEvent } from './stored.ts';

/** Above a hundred, FerretDB continues behind the first document that it refuses. */
const MAX_INSERT = 100;
const MAX_PROBE = 100;
const MAX_REFUSALS = 40;
const MAX_PAUSE_MS = 50;

/** Resolves with each event's sequence, by event id, once all are in the collection. Rejects with the database's error. */
export type Append = (entries: readonly Entry[]) => Promise<ReadonlyMap<string, number>>;

export function createAppend(mongodb: Mongodb, log: Pick<EventLog, 'heads' | 'partitions'>): Append {
  const events = mongodb.db.collection<StoredEvent>(EVENTS_COLLECTION);
  /** The last sequences that this process knows: at first the log's heads. */
  let lasts: Map<number, number> | undefined;

  async function appendTo(
    partition: number,
    entries: readonly Entry[],
    known: Map<number, number>,
  ): Promise<Map<string, number>> {
    const sequences = new Map<string, number>();
    for (let refused = 0; ; ) {
      const open = entries.filter(({ id }) => !sequences.has(id)).slice(0, MAX_INSERT);
      if (open.length === 0) return sequences;
      const before = known.get(partition) ?? 0;
      try {
        await events.insertMany(
          open.map((entry, n) => ({ _id: idOfPosition(partition, before + n + 1), ...entry })),
          { ordered: true },
        );
        for (const [n, { id }] of open.entries()) sequences.set(id, before + n + 1);
        known.set(partition, before + open.length);
      } catch (error) {
        refused += 1;
        if (!isDuplicate(error) || refused === MAX_REFUSALS) throw error;
        await delay(Math.random() * MAX_PAUSE_MS);
        for (const [id, sequence] of await findEntries(entries)) sequences.set(id, sequence);
        await catchUp(partition, known);
      }
    }
  }

  async function findEntries(entries: readonly Entry[]): Promise<(readonly [string, number])[]> {
    const found = await events
      .find({ id: { $in: entries.map(({ id }) => id) } }, { projection: { id: 1 } })
      .toArray();
    return found.map(({ _id, id }) => [id, positionOfId(_id).sequence] as const);
  }

  /** Finds the last sequence behind the known one. */
  async function catchUp(partition: number, known: Map<number, number>): Promise<void> {
    for (;;) {
      const last = known.get(partition) ?? 0;
      const ids = Array.from({ length: MAX_PROBE }, (_, n) => idOfPosition(partition, last + n + 1));
      const found = await findByIds(mongodb, events, ids, { projection: { _id: 1 } });
      known.set(partition, last + found.length);
      if (found.length < MAX_PROBE) return;
    }
  }

  return async (entries) => {
    lasts ??= new Map((await log.heads()).last);
    const known = lasts;
    const groups = Map.groupBy(entries, ({ key }) => partitionOf(key, log.partitions));
    const outcomes = await Promise.allSettled(
      [...groups].map(([partition, group]) => appendTo(partition, group, known)),
    );
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    return new Map(outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [...outcome.value] : [])));
  };
}
