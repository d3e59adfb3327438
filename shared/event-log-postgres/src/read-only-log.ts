import type { EventLog } from '@micromart/event-log/event-log';
import { problem } from '@micromart/http/problem';
import { isMissingOrDenied } from '@micromart/postgres/failure';
import type { Pool } from '@micromart/postgres/pool';
import { createReads, type Identity, readIdentity } from './reads.ts';

/** A log that another process writes. `ready` resolves when the log can be read, and rejects with `unavailable` before. */
export type PostgresLogReader = EventLog & { ready(): Promise<void> };

/**
 * The log of a database whose schema another process makes, read with a role that may do no more. It may be used before it
 * exists: until then everything rejects with `unavailable`, `name` and `partitions` throw it, and `notYet` tells a person what
 * is missing. Nothing in this process appends, so followers of the log poll.
 */
export function createPostgresLogReader(
  pool: Pool,
  { source, notYet }: { source: string; notYet: string },
): PostgresLogReader {
  let known: Identity | undefined;

  const identity = async (): Promise<Identity> => {
    known ??= await readIdentity(pool).catch((error) => {
      if (!isMissingOrDenied(error)) throw error;
      return known;
    });
    return required();
  };

  const required = (): Identity => {
    if (!known) throw problem('unavailable', notYet);
    return known;
  };

  return {
    get name() {
      return required().name;
    },
    get partitions() {
      return required().partitions;
    },
    ...createReads(pool, source, identity),
    onAppended: () => () => {},
    async ready() {
      await identity();
    },
  };
}
