import { writeInBulks } from '@micromart/mongodb/bulk';
import { findByIds } from '@micromart/mongodb/by-id';
import { isDuplicate } from '@micromart/mongodb/failure';
import type { Mongodb } from '@micromart/mongodb/open';
import type { AnyBulkWriteOperation, Filter, OptionalUnlessRequiredId } from 'mongodb';
import type { Move, Moved } from './move.ts';
import type { StoredDocument } from './stored.ts';

const MAX_SWEPT = 256;
/** In one sweep; the next one continues. */
const MAX_ROUNDS = 1_000;

export type Loaded<State> = {
  readonly documents: ReadonlyMap<string, StoredDocument<State>>;
  /** The sequences of events that had been left behind. */
  readonly moved: Moved;
};

/** A document to write, and the version that it must still have; undefined when it must not exist. */
export type Row<State> = { readonly next: StoredDocument<State>; readonly expected: number | undefined };

export type Documents<State> = {
  read(id: string): Promise<StoredDocument<State> | undefined>;
  /** Moves the events of the documents' last changes to the log, and resolves with the documents after that. */
  load(ids: readonly string[]): Promise<Loaded<State>>;
  /** Whether all were written. If not, those with the expected version were; their marks show which. */
  write(rows: readonly Row<State>[]): Promise<boolean>;
  /** Moves events that were left behind to the log, of at most 256,000 documents; resolves with their number. */
  sweep(): Promise<number>;
};

/** Creates the index that a sweep uses. */
export async function openDocuments<State>(
  mongodb: Mongodb,
  { collection, move }: { collection: string; move: Move },
): Promise<Documents<State>> {
  const stored = mongodb.db.collection<StoredDocument<State>>(collection);
  await stored.createIndex({ unmoved: 1 }, { sparse: true });
  const { atomicUpdates } = await mongodb.engine();

  async function find(ids: readonly string[]): Promise<StoredDocument<State>[]> {
    return (await findByIds(mongodb, stored, ids)) as StoredDocument<State>[];
  }

  async function moveLeftovers(found: readonly StoredDocument<State>[]): Promise<Moved> {
    const left = found.flatMap(({ _id, version, pending }) => (pending ? [{ _id, version, pending }] : []));
    const moved = await move.toLog(left);
    await move.free(left, moved);
    return moved;
  }

  function toOperation({ next, expected }: Row<State>): AnyBulkWriteOperation<StoredDocument<State>> {
    if (expected === undefined) {
      return { insertOne: { document: next as OptionalUnlessRequiredId<StoredDocument<State>> } };
    }
    const filter = atomicUpdates ? { _id: next._id, version: expected } : { _id: next._id };
    return { replaceOne: { filter: filter as Filter<StoredDocument<State>>, replacement: next } };
  }

  return {
    read: async (id) => (await find([id]))[0],

    async load(ids) {
      const found = await find(ids);
      const moved = await moveLeftovers(found);
      const documents = found.map((document) => {
        const last = document.pending?.at(-1);
        return [document._id, last ? { ...document, sequence: moved.get(last.id)! } : document] as const;
      });
      return { documents: new Map(documents), moved };
    },

    async write(rows) {
      try {
        return (await writeInBulks(mongodb, stored, rows.map(toOperation))) === rows.length;
      } catch (error) {
        // Another writer made the same document.
        if (isDuplicate(error)) return false;
        throw error;
      }
    },

    async sweep() {
      const unmoved = { unmoved: true } as Filter<StoredDocument<State>>;
      let count = 0;
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        const found = (await stored.find(unmoved).limit(MAX_SWEPT).toArray()) as StoredDocument<State>[];
        await moveLeftovers(found);
        count += found.length;
        if (found.length < MAX_SWEPT) break;
      }
      return count;
    },
  };
}
