import { createReadOnlyLog, type ReadOnlyLog } from '@micromart/event-log/read-only-log';
import type { Mongodb } from '@micromart/mongodb/open';
import { createReads, readLog } from './reads.ts';

/** The log of a database that another process writes, read with a role that may do no more. */
export const createMongodbLogReader = (
  mongodb: Mongodb,
  { source, notYet }: { source: string; notYet: string },
): ReadOnlyLog =>
  createReadOnlyLog({
    async readIdentity() {
      await mongodb.engine();
      return await readLog(mongodb);
    },
    createReads: (identity) => createReads(mongodb, source, identity),
    notYet,
  });
