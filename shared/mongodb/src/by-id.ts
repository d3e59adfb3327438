import type { Collection, Filter, FindOptions, WithId } from 'mongodb';
import type { Mongodb } from './open.ts';

/** The ids of our documents are texts. */
export type WithTextId = { readonly _id: string };

/** Finds documents by their ids, each once and in any order. */
export async function findByIds<Stored extends WithTextId>(
  { engine }: Mongodb,
  collection: Collection<Stored>,
  ids: readonly string[],
  options: FindOptions = {},
): Promise<WithId<Stored>[]> {
  if ((await engine()).findsMany) {
    return collection.find({ _id: { $in: ids } } as Filter<Stored>, options).toArray();
  }
  const found = await Promise.all(
    [...new Set(ids)].map((_id) => collection.findOne({ _id } as Filter<Stored>, options)),
  );
  return found.filter((one) => one !== null);
}
