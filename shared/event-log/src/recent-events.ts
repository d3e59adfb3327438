/**
 * The end of a log, as far as a process knows it by itself: the heads that it read last, and what it has appended since.
 * Whoever follows closely hears of a commit from here, with no question to the database between the two.
 *
 * What other processes append is not known here. A commit that does not join on to what is kept, and heads that lie beyond
 * it, show that they did: then the tail begins anew behind that, and whoever stands before its beginning is to read the
 * log. So is whoever has heard of more than is known here, from another process: what is said from memory is never older
 * than what the asker knows. Pure; the clock is passed in.
 */
import type { LoggedEvent } from '@micromart/events/envelope';
import type { Sequences } from '@micromart/events/position';
import type { Heads } from './event-log.ts';

/** Of each partition; who is further behind reads the log. */
const MAX_EVENTS = 64;
/** Heads are to be read again after this time: they date an answer, and others may have appended since. */
const OLD_MS = 100;
/** Heads that were read longer ago are told to nobody. */
const MAX_AGE_MS = 1_000;

export type RecentEvents = {
  /** Takes in heads that were read from the log, which was asked for them at `askedMs`. */
  setHeads(heads: Heads, askedMs: number): void;
  /** Takes in what one commit has appended, in order in each partition. */
  append(events: readonly LoggedEvent[]): void;
  /** Whether the heads are to be read again. */
  isOld(nowMs: number): boolean;
  /**
   * The heads, and all events between `after` and them; undefined when there is none, when not all of them are here, when
   * they are more than `limit`, when the heads were read too long ago, or when `after` lies beyond them in any partition.
   */
  headsWithEvents(
    after: Sequences,
    limit: number,
    nowMs: number,
  ): (Heads & { readonly events: readonly LoggedEvent[] }) | undefined;
};

/** The events of a partition after `start`. */
type PartitionEvents = { start: number; events: LoggedEvent[] };

export function createRecentEvents(): RecentEvents {
  const partitions = new Map<number, PartitionEvents>();
  let read: { heads: Heads; askedMs: number } | undefined;

  return {
    setHeads(heads, askedMs) {
      // The database was replaced beneath this process: what is kept is of another history.
      if (read && read.heads.log !== heads.log) partitions.clear();
      read = { heads, askedMs };
      for (const [partition, last] of heads.last) {
        const partitionEvents = partitions.get(partition);
        if (!partitionEvents || headOf(partitionEvents) < last)
          partitions.set(partition, { start: last, events: [] });
      }
    },

    append(events) {
      for (const event of events) {
        const partitionEvents = partitions.get(event.partition);
        const sequence = Number(event.sequence);
        if (!partitionEvents || sequence <= headOf(partitionEvents)) continue;
        if (sequence > headOf(partitionEvents) + 1) {
          partitionEvents.start = sequence - 1;
          partitionEvents.events = [];
        }
        partitionEvents.events.push(event);
        if (partitionEvents.events.length > MAX_EVENTS) {
          partitionEvents.events.shift();
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
