import type { AnyBulkWriteOperation, Collection } from 'mongodb';
import type { WithTextId } from './by-id.ts';
import type { Mongodb } from './open.ts';

/**
 * Writes documents, each by one operation, in any order, as many in one command as the engine allows. Resolves with the number
 * of documents inserted or matched; rejects when one was refused, or when the outcome is in doubt.
 */
export async function writeInBulks<Stored extends WithTextId>(
  { engine }: Mongodb,
  collection: Collection<Stored>,
  operations: readonly AnyBulkWriteOperation<Stored>[],
): Promise<number> {
  const { maxUpdates } = await engine();
  let written = 0;
  for (let from = 0; from < operations.length; from += maxUpdates) {
    const result = await collection.bulkWrite(operations.slice(from, from + maxUpdates), { ordered: false });
    written += result.insertedCount + result.matchedCount;
  }
  return written;
}
