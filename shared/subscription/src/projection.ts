import type { LoggedEvent } from '@micromart/events/envelope';
import type { Statement } from '@micromart/postgres/statement';

/**
 * What a service does with the events that it follows. `E` is an event as the service's schema parses it.
 *
 * It may rely on this: its effects are executed in a transaction that locks the positions of these events' partitions. The
 * same events are never committed twice, and events of one key come in order, each after all before it. So it can count
 * without checking whether it has counted an event before.
 *
 * It must keep this: `effects` only returns statements, and none of them ends the transaction. It may be called again with
 * the same events, or a part of them, after a rollback, so it keeps nothing in memory between calls. An error that it throws,
 * or that one of its statements fails with, counts as the fault of one of its events unless the database or the deployment
 * caused it: the batch is halved until one event is alone, and that one is parked.
 *
 * Prefer one statement for the whole batch: add up in memory, one row for each key, keys sorted.
 */
export type Projection<E> = {
  /** Returns undefined for a type that it does not know (the event is skipped); throws when the event is not valid. */
  parse(event: LoggedEvent): E | undefined;
  /**
   * The statements that apply these events, to be executed in order. There may be no statements, and no events: a batch whose
   * events are all parked or of unknown types.
   */
  effects(events: readonly E[]): readonly Statement[];
};
