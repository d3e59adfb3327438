import { createBatcher } from '@micromart/event-log/batcher';

/** Questions that are asked as one, and those that may wait. */
const MAX_BATCH = 64;
const MAX_WAITING = 10_000;
/** Batches that are read side by side, so that the database reads while this process works. */
const MAX_CONCURRENT_READS = 2;

/**
 * Reads by ids, for whoever asks at the same moment in one go, since most of what a question costs is asking it: a
 * question that comes while two are under way is asked together with all that come meanwhile. No answer is older than
 * its question. `read` may get an id twice and gives each once; the answer is in the order of its question's ids.
 */
export function createReadByIds<Row extends { readonly id: string }>(
  read: (ids: readonly string[]) => Promise<readonly Row[]>,
): (ids: readonly string[]) => Promise<Row[]> {
  const { submit } = createBatcher<readonly string[], Row[]>({
    async run(questions) {
      const rows = new Map<string, Row>();
      for (const row of await read(questions.flat())) rows.set(row.id, row);
      return questions.map((ids) => ({
        value: ids.map((id) => rows.get(id)).filter((row) => row !== undefined),
      }));
    },
    maxBatch: MAX_BATCH,
    maxWaiting: MAX_WAITING,
    workers: MAX_CONCURRENT_READS,
  });
  return submit;
}
