import { createReadOnlyLog, type ReadOnlyLog } from '@micromart/event-log/read-only-log';
import { isMissingOrDenied } from '@micromart/postgres/failure';
import type { Pool } from '@micromart/postgres/pool';
import { createReads, readIdentity } from './reads.ts';

/** The log of a database whose schema another process makes, read with a role that may do no more. */
export const createPostgresLogReader = (
  pool: Pool,
  { source, notYet }: { source: string; notYet: string },
): ReadOnlyLog =>
  createReadOnlyLog({
    readIdentity: () =>
      readIdentity(pool).catch((error) => {
        if (!isMissingOrDenied(error)) throw error;
        return undefined;
      }),
    createReads: (identity) => createReads(pool, source, identity),
    notYet,
  });
