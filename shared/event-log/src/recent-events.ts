/**
 * A cache of the log's end, as far as a process knows it by itself: the heads that it read last, and the events that it has
 * appended since. Followers that are close behind get a commit from here, without a query in between.
 *
 * The cache does not know what other processes append. A commit that leaves a gap after the cached events shows that they did,
 * and so do heads beyond these events. Then the cache starts again after that, and followers before its start must read the log.
 * So must a follower that knows more from another process: an answer from memory is never older than what the client knows.
 * Pure; the clock is passed in.
 */
import { dataBytes } from '@micromart/events/data-bytes';
import type { LoggedEvent } from '@micromart/events/envelope';
import type { Sequences } from '@micromart/events/position';
import type { Heads } from './event-log.ts';

/** In each partition; a follower that is further behind reads the log. */
const MAX_EVENTS = 64;
/** Of data, for each partition. */
const MAX_BYTES = 256_000;
/** Heads must be read again after this time: they date an answer, and others may have appended since. */
const OLD_MS = 100;
/** Older heads are never used for an answer. */
const MAX_AGE_MS = 1_000;

export type RecentEvents = {
  /** Sets heads that were read from the log by a query begun at `askedMs`. */
  setHeads(heads: Heads, askedMs: number): void;
  /** Adds the events of one commit, in order in each partition. */
  append(events: readonly LoggedEvent[]): void;
  /** Whether the heads must be read again. */
  isOld(nowMs: number): boolean;
  /**
   * The heads, and all events between `after` and them. Undefined when there are none or more than `limit`, when not all of
   * them are cached, when the heads were read too long ago, or when `after` lies beyond them in any partition.
   */
  headsWithEvents(
    after: Sequences,
    limit: number,
    nowMs: number,
  ): (Heads & { readonly events: readonly LoggedEvent[] }) | undefined;
};

/** The events of a partition after `start`. */
type PartitionEvents = { start: number; bytes: number; events: LoggedEvent[] };

export function createRecentEvents(): RecentEvents {
  const partitions = new Map<number, PartitionEvents>();
  let read: { heads: Heads; askedMs: number } | undefined;

  return {
    setHeads(heads, askedMs) {
      // The database was replaced while this process ran: the cached events are of another history.
      if (read && read.heads.log !== heads.log) partitions.clear();
      read = { heads, askedMs };
      for (const [partition, last] of heads.last) {
        const partitionEvents = partitions.get(partition);
        if (!partitionEvents || headOf(partitionEvents) < last)
          partitions.set(partition, { start: last, bytes: 0, events: [] });
      }
    },

    append(events) {
      for (const event of events) {
        const partitionEvents = partitions.get(event.partition);
        const sequence = Number(event.sequence);
        if (!partitionEvents || sequence <= headOf(partitionEvents)) continue;
        if (sequence > headOf(partitionEvents) + 1) {
          partitionEvents.start = sequence - 1;
          partitionEvents.bytes = 0;
          partitionEvents.events = [];
        }
        partitionEvents.events.push(event);
        partitionEvents.bytes += dataBytes(event.data);
        while (partitionEvents.events.length > MAX_EVENTS || partitionEvents.bytes > MAX_BYTES) {
          partitionEvents.bytes -= dataBytes(partitionEvents.events.shift()!.data);
          partitionEvents.start += 1;
        }
      }
    },

    isOld: (nowMs) => read !== undefined && nowMs - read.askedMs > OLD_MS,

    headsWithEvents(after, limit, nowMs) {
      if (!read || nowMs - read.askedMs > MAX_AGE_MS) return undefined;
      if ([...after].some(([partition, sequence]) => isBeyond(sequence, partitions.get(partition))))
        return undefined;
      const events: LoggedEvent[] = [];
      for (const [partition, partitionEvents] of partitions) {
        const from = after.get(partition) ?? 0;
        if (from < partitionEvents.start) return undefined;
        events.push(...partitionEvents.events.slice(from - partitionEvents.start));
      }
      if (events.length === 0 || events.length > limit) return undefined;
      return {
        ...read.heads,
        last: new Map(
          [...partitions].map(([partition, partitionEvents]) => [partition, headOf(partitionEvents)]),
        ),
        events,
      };
    },
  };
}

const headOf = ({ start, events }: PartitionEvents): number => start + events.length;

const isBeyond = (sequence: number, partitionEvents: PartitionEvents | undefined): boolean =>
  !partitionEvents || sequence > headOf(partitionEvents);
