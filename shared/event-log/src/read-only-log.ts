import { problem } from '@micromart/http/problem';
import type { EventLog } from './event-log.ts';

/** A log that another process writes. `ready` resolves when the log can be read, and rejects with `unavailable` before. */
export type ReadOnlyLog = EventLog & { ready(): Promise<void> };

export type LogIdentity = Pick<EventLog, 'name' | 'partitions'>;

/**
 * The log of a database that another process writes. It may be used before it exists: until then everything rejects with
 * `unavailable`, `name` and `partitions` throw it, and `notYet` tells a person what is missing. Nothing in this process
 * appends, so followers of the log poll.
 *
 * `readIdentity` resolves with undefined while there is no log to read; once it has found one, it is not called again.
 * `createReads` gives the queries of the log, each of which awaits the given identity first.
 */
export function createReadOnlyLog({
  readIdentity,
  createReads,
  notYet,
}: {
  readIdentity: () => Promise<LogIdentity | undefined>;
  createReads: (identity: () => Promise<LogIdentity>) => Pick<EventLog, 'heads' | 'page' | 'eventsAfter'>;
  notYet: string;
}): ReadOnlyLog {
  let known: LogIdentity | undefined;

  const required = (): LogIdentity => {
    if (!known) throw problem('unavailable', notYet);
    return known;
  };

  const identity = async (): Promise<LogIdentity> => {
    known ??= await readIdentity();
    return required();
  };

  return {
    get name() {
      return required().name;
    },
    get partitions() {
      return required().partitions;
    },
    ...createReads(identity),
    onAppended: () => () => {},
    async ready() {
      await identity();
    },
  };
}
