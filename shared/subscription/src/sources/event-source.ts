import type { Heads } from '@micromart/event-log/event-log';
import type { LoggedEvent, ReceivedEvent } from '@micromart/events/envelope';
import type { Sequences } from '@micromart/events/position';

/** Heads, and maybe the first events beyond those that were asked about; none lies beyond these heads. */
export type ReceivedHeads = Heads & { readonly events?: readonly ReceivedEvent[] | undefined };

/** The owner's log, as its followers can ask it (event-log/event-log.ts holds its promises). */
export type EventSource = {
  /**
   * Tells all heads as soon as one lies beyond `after`, at once if that is empty, and goes on to tell them as soon as one
   * lies beyond what was told; each time after `waitS` seconds at the latest. It brings the first events along, at most
   * `events`: a courtesy that saves asking for pages. The owner may end it after any of them, then it is asked again.
   */
  watch(request: {
    after: Sequences;
    waitS: number;
    events: number;
    signal: AbortSignal;
  }): AsyncIterable<ReceivedHeads>;
  /**
   * The events after a sequence, in order and without a gap, at most `limit`; malformed ones stand among them. Throws SourceReplaced when the owner
   * itself says that its log is not `log`, or ends below `after`.
   */
  page(request: {
    log: string;
    partition: number;
    after: number;
    limit: number;
    signal: AbortSignal;
  }): Promise<readonly ReceivedEvent[]>;
};

/**
 * A faster way for events to come, a message broker for example, which shares the partitions out among all instances of a
 * follower. Nothing is asked of it: it may lose, repeat and reorder, and give a partition to several at once or to nobody.
 * What does not come by it comes from the owner's feed, only later.
 */
export type Transport = {
  /** Takes a place, and gives it up when the signal is aborted. */
  run(handler: DeliveryHandler, signal: AbortSignal): Promise<void>;
};

/** An instance's place at a transport: what passes between the two. */
export type DeliveryHandler = {
  /** The log that is followed; undefined until that is known. */
  readonly log: string | undefined;
  /** How many partitions that has; undefined until that is known. */
  readonly partitions: number | undefined;
  /** Tells which partitions this instance sees to from now on; undefined while it has no place. */
  assign(partitions: readonly number[] | undefined): void;
  /**
   * Hands events over; those of another log are left out. Comes back when they have found room, so whoever awaits it is
   * held back while the follower is slower than the source; or at once when the signal is aborted, or the partition is
   * not this instance's.
   */
  deliver(log: string, partition: number, events: readonly LoggedEvent[], signal: AbortSignal): Promise<void>;
  /** So many messages were no events, and were left out. */
  unreadable(messages: number): void;
  /** The sequence up to which events are applied: they need not come again. */
  position(partition: number): number;
};

/** An answer as if the history that a subscription stands in were gone: another log, or one that ends before its position. */
export class SourceReplaced extends Error {
  override readonly name = 'SourceReplaced';
}

/** The heads as they are now. */
export async function headsNow(source: Pick<EventSource, 'watch'>, signal: AbortSignal): Promise<Heads> {
  for await (const heads of source.watch({ after: new Map(), waitS: 0, events: 0, signal })) return heads;
  throw new Error("the owner's feed told nothing");
}
