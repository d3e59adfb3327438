import type { Heads } from '@micromart/event-log/event-log';
import type { LoggedEvent, ReceivedEvent } from '@micromart/events/envelope';
import type { Sequences } from '@micromart/events/position';

/** Heads, and possibly the first events after those in the request; no event lies beyond these heads. */
export type ReceivedHeads = Heads & { readonly events?: readonly ReceivedEvent[] | undefined };

/** The owner's log as its followers read it (event-log/event-log.ts says what it promises). */
export type EventSource = {
  /**
   * Yields all heads as soon as one lies beyond `after`, or at once if that is empty, and again as soon as one lies beyond the
   * heads yielded last; each time after `waitS` seconds at the latest. The first events, at most `events`, may come with them,
   * which saves requests for pages. The owner may end the stream at any time; the caller then asks again.
   */
  watch(request: {
    after: Sequences;
    waitS: number;
    events: number;
    signal: AbortSignal;
  }): AsyncIterable<ReceivedHeads>;
  /**
   * The events of a partition after a sequence, in order and without a gap, at most `limit`, including malformed ones. Throws
   * SourceReplaced when the owner itself says that its log is not `log`, or ends below `after`.
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
 * A faster source of events, a message broker for example, that assigns the partitions to the instances of a follower. It
 * promises nothing: it may lose, repeat and reorder events, and assign a partition to several instances or to none. Events
 * that it does not deliver come from the owner's feed, only later.
 */
export type Transport = {
  /** Delivers to this handler until the signal is aborted. */
  run(handler: DeliveryHandler, signal: AbortSignal): Promise<void>;
};

/** What a transport calls to hand events to an instance. */
export type DeliveryHandler = {
  /** The name of the log that is followed; undefined until that is known. */
  readonly log: string | undefined;
  /** How many partitions the log has; undefined until that is known. */
  readonly partitions: number | undefined;
  /** Assigns these partitions to this instance from now on; undefined while it has no assignment. */
  assign(partitions: readonly number[] | undefined): void;
  /**
   * Delivers events; those of another log are skipped. Resolves once there is room for them, so that a transport that awaits
   * it is no faster than the follower. Resolves at once when the signal is aborted or the partition is not assigned to this
   * instance.
   */
  deliver(log: string, partition: number, events: readonly LoggedEvent[], signal: AbortSignal): Promise<void>;
  /** Counts messages that were no events, and were skipped. */
  unreadable(messages: number): void;
  /** The sequence up to which events are applied: they need no further delivery. */
  position(partition: number): number;
};

/** The owner answered with another history: another log, or one that ends before the subscription's position. */
export class SourceReplaced extends Error {
  override readonly name = 'SourceReplaced';
}

/** The current heads. Throws when the owner ends its answer without any. */
export async function headsNow(source: Pick<EventSource, 'watch'>, signal: AbortSignal): Promise<Heads> {
  for await (const heads of source.watch({ after: new Map(), waitS: 0, events: 0, signal })) return heads;
  throw new Error("the owner's feed answered without heads");
}
