import type { LoggedEvent } from '@micromart/events/envelope';
import type { Statement } from '@micromart/postgres/statement';

/**
 * What a service does with the events that it follows. `E` is an event as its schema gives it back.
 *
 * What it may rely on: its effects are carried out in a transaction that holds the positions of these events' partitions.
 * Commits of the same events never both succeed, and those of one key come in order, each after all before it. So it
 * counts, without looking whether it has counted before.
 *
 * What it must keep: `effects` only says what is to be written, and none of its statements ends the transaction. It may be
 * asked again about the same events, or a part of them, after a rollback, so it keeps nothing in memory from one call to
 * the next. Whatever it throws, or a statement fails with, that is not the database's own trouble is held against one of
 * its events: the batch is halved until one stands alone, and that one is parked.
 *
 * It is meant to be one statement for the whole batch: add up in memory, one row for each key, keys sorted.
 */
export type Projection<E> = {
  /** Undefined for a type that it does not know (the event passes by); throws when the event is not valid. */
  parse(event: LoggedEvent): E | undefined;
  /** What these events come to, to be carried out in order. There may be none. */
  effects(events: readonly E[]): readonly Statement[];
};
