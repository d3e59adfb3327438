import type { EventLog } from '@micromart/event-log/event-log';
import { problem } from '@micromart/http/problem';
import type { Mongodb } from '@micromart/mongodb/open';
import { createReads, readLog } from './reads.ts';

/** A log that another process writes. `ready` resolves when the log can be read, and rejects with `unavailable` before. */
export type MongodbLogReader = EventLog & { ready(): Promise<void> };

/**
 * The log of a database that another process writes, read with a role that may do no more. It may be used before it exists:
 * until then everything rejects with `unavailable`, `name` and `partitions` throw it, and `notYet` tells a person what is
 * missing. Nothing in this process appends, so followers of the log poll.
 */
export function createMongodbLogReader(
  mongodb: Mongodb,
  { source, notYet }: { source: string; notYet: string },
): MongodbLogReader {
  let known: Pick<EventLog, 'name' | 'partitions'> | undefined;

  const required = () => {
    if (!known) throw problem('unavailable', notYet);
    return known;
  };

  const identity = async () => {
    if (!known) {
      await mongodb.engine();
      known = await readLog(mongodb);
    }
    return required();
  };

  return {
    get name() {
      return required().name;
    },
    get partitions() {
      return required().partitions;
    },
    ...createReads(mongodb, source, identity),
    onAppended: () => () => {},
    async ready() {
      await identity();
    },
  };
}
