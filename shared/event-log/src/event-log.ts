/**
 * An owner's event log: every change the owner ever made, in its own database, written in the transaction of the
 * change. It is the outbox, the feed and the history in one. What it promises:
 *
 * - An event belongs to one partition, decided by its key, and has a `sequence` there: dense, from 1, in commit order.
 *   Who has read up to n can never later meet a smaller number, and a missing number is always a loss on the way,
 *   never a transaction that rolled back. Followers rest on that.
 * - The log has an identity, a random suffix to its name made with the database. Another name is another history, and
 *   positions in one mean nothing in the other.
 * - `heads().at` is the database's time, taken no later than the heads were read: whatever was committed before it
 *   lies at or below them.
 * - Nothing is ever changed or taken out, so a full page is true for ever.
 */
import type { LoggedEvent } from '@micromart/events/envelope';
import type { Sequences } from '@micromart/events/position';

export type Heads = {
  readonly log: string;
  readonly at: Date;
  /** The last sequence of every partition; 0 where there is none yet. */
  readonly last: Sequences;
};

/** Heads, with the first events beyond those that were asked about, dense in each partition: maybe none. */
export type HeadsWithEvents = Heads & { readonly events?: readonly LoggedEvent[] | undefined };

export type EventLog = {
  /** Family and identity, as in `cart-3f2a9c1e`. */
  readonly name: string;
  readonly partitions: number;
  /** As the database says, the log's name too: `name` is what this process found when it began. */
  heads(): Promise<Heads>;
  /** The events after a sequence, in order and without a gap, at most `limit`; empty at the head. */
  page(partition: number, after: number, limit: number): Promise<LoggedEvent[]>;
  /**
   * The events after a sequence in each partition, in order and without a gap within each, at most `limit` in all. Each
   * partition has its share of the limit, so what lies far behind is for pages.
   */
  eventsAfter(after: Sequences, limit: number): Promise<LoggedEvent[]>;
  /**
   * Calls back after each commit of this process that added events, with these as far as the log hands them out. Other
   * processes' commits are found by polling.
   */
  onAppended(listener: (events: readonly LoggedEvent[]) => void): () => void;
};
