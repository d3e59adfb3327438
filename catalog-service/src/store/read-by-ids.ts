import { createBatcher } from '@micromart/event-log/batcher';

/** Calls that are combined into one read, and calls that may wait. */
const MAX_BATCH = 64;
const MAX_WAITING = 10_000;
/** Reads at a time, so that the database works while this process does. */
const MAX_CONCURRENT_READS = 2;

/**
 * Combines concurrent reads by ids into one, because most of the cost of a read is the round trip: a call that comes while
 * two reads are in flight is combined with all others that wait. No answer is older than its call. `read` may get an id
 * twice and returns each row once; an answer is in the order of its own ids.
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
