/**
 * An owner's event log: every change that the owner ever made, in its own database, written in the transaction of the
 * change. It is the outbox, the feed and the history in one. It promises:
 *
 * - An event belongs to one partition, decided by its key, and has a `sequence` there: dense, from 1, in commit order. A
 *   reader that has read up to n never meets a smaller number later, and a missing number is always a loss on the way, never a
 *   transaction that rolled back. Followers rely on that.
 * - The log has an identity, a random suffix of its name, made with the database. Another name is another history, and
 *   positions in one mean nothing in the other.
 * - `heads().at` is the database's time, taken no later than the heads were read: whatever was committed before it lies at or
 *   below them.
 * - Nothing is ever changed or removed, so a full page stays as it is.
 */
import type { LoggedEvent } from '@micromart/events/envelope';
import type { Sequences } from '@micromart/events/position';
import { problem } from '@micromart/http/problem';

export type Heads = {
  readonly log: string;
  readonly at: Date;
  /** The last sequence of every partition; 0 where there is none yet. */
  readonly last: Sequences;
};

/** Heads, and the first events after the position that was asked about, dense in each partition. There may be none. */
export type HeadsWithEvents = Heads & { readonly events?: readonly LoggedEvent[] | undefined };

export type EventLog = {
  /** Family and identity, as in `cart-3f2a9c1e`. */
  readonly name: string;
  readonly partitions: number;
  /** Read from the database, the log's name too; `name` is what this process read at its start. Rejects if unavailable. */
  heads(): Promise<Heads>;
  /**
   * The events after a sequence, in order and without a gap, up to the one that fills the page (page.ts): at most `limit`, and
   * fewer if they are large. Only an empty page says that this is the head.
   */
  page(partition: number, after: number, limit: number): Promise<LoggedEvent[]>;
  /**
   * The events after a sequence in each partition, in order and without a gap within each, at most `limit` in all. Each
   * partition has its share of the limit, and of bytes, so a reader that is far behind reads pages instead.
   */
  eventsAfter(after: Sequences, limit: number): Promise<LoggedEvent[]>;
  /**
   * Calls back after each commit of this process that appended events, with these events if the log provides them. Commits
   * of other processes are found by polling. Returns a function that ends the subscription.
   */
  onAppended(listener: (events: readonly LoggedEvent[]) => void): () => void;
};

/** To throw where a database has no log any more: it was dropped, or is just being restored. */
export const logMissing = () => problem('unavailable', 'The log is not in its database any more.');
