import type { LoggedEvent } from '../contracts/envelope.ts';
import type { Heads } from '../event-log/event-log.ts';
import type { Sequences } from '../event-log/position.ts';

/** The owner's log, as its followers can ask it (event-log/event-log.ts holds its promises). */
export type EventSource = {
  /**
   * All heads: as soon as one lies beyond `after`, at the latest after `waitS` seconds. And the first events after
   * `after`, dense in each partition, at most `events`: a courtesy that saves asking for pages, so there may be none.
   */
  heads(request: {
    after: Sequences;
    waitS: number;
    events: number;
    signal: AbortSignal;
  }): Promise<Heads & { readonly events?: readonly LoggedEvent[] | undefined }>;
  /**
   * The events after a sequence, in order and without a gap, at most `limit`. Throws SourceReplaced when the owner's
   * log is not `log`, or ends below `after`.
   */
  page(request: {
    log: string;
    partition: number;
    after: number;
    limit: number;
    signal: AbortSignal;
  }): Promise<readonly LoggedEvent[]>;
};

/**
 * A faster way for events to come, a message broker for example. Nothing is asked of it: it may lose, repeat and
 * reorder. What it loses comes from the owner's feed, only later.
 */
export type Transport = {
  /**
   * Runs until the signal is aborted. `deliver` comes back when the events have found room, so whoever awaits it is
   * held back while the follower is slower than the source. Events of another log are left out.
   */
  run(follower: {
    deliver(log: string, partition: number, events: readonly LoggedEvent[]): Promise<void>;
    signal: AbortSignal;
  }): Promise<void>;
};

/** The history that a subscription stands in is gone: another log, or one that ends before the subscription's position. */
export class SourceReplaced extends Error {
  override readonly name = 'SourceReplaced';
}
