import type { LoggedEvent } from '../contracts/envelope.ts';
import type { Client } from '../postgres/pool.ts';

/**
 * What a service does with the events that it follows. `E` is an event as its schema gives it back.
 *
 * What it may rely on: `apply` runs within a transaction that holds the positions of these events' partitions. Commits
 * of the same events never both succeed, and those of one key come in order, each after all before it. So it counts,
 * without looking whether it has counted before.
 *
 * What it must keep: every effect goes through `client`, and `apply` neither commits nor rolls back. It may be called
 * again with the same events, or with a part of them, after a rollback, so it keeps nothing in memory from one call to
 * the next. Whatever it throws that is not the database's own trouble is held against one of its events: the batch is
 * halved until one stands alone, and that one is parked.
 *
 * It is meant to be one statement for the whole batch: add up in memory, one row for each key, keys sorted.
 */
export type Projection<E> = {
  /** Undefined for a type that it does not know (the event passes by); throws when the event is not valid. */
  parse(event: LoggedEvent): E | undefined;
  apply(client: Client, events: readonly E[]): Promise<void>;
};
