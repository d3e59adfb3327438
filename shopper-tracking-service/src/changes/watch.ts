/** Where an instance stands in the changes, for all its listeners. */

import { lastOf, MAX_PRODUCTS } from '../change-id.ts';
import { foundBy } from './catch-up.ts';
import type { Standing } from './listener.ts';
import { idOf, type ReadChanges, type Told } from './read-changes.ts';
import { createRecentChanges, type RecentChanges } from './recent-changes.ts';

export type Watch = {
  readonly recent: RecentChanges;
  /** Resolves when the first look has found out where everybody stands. */
  readonly begun: Promise<void>;
  standing(): Standing;
  /** Looks for changes; gives whether there were any. */
  look(): Promise<boolean>;
};

/** Remembers what has been told, and appends what is new to the recent changes. */
export function createWatch(read: ReadChanges): Watch {
  const recent = createRecentChanges(MAX_PRODUCTS);
  let told: Told | undefined;
  let id = '';

  const begin = async () => {
    const snapshot = await read(undefined);
    told = { id: lastOf(snapshot.kept), above: snapshot.kept.above };
    id = idOf(snapshot);
  };

  return {
    recent,
    begun: begin(),
    standing: () => ({ told: recent.newest, id }),
    async look() {
      const snapshot = await read(told);
      const found = foundBy(told!.id, snapshot);
      told = { id: lastOf(snapshot.kept), above: snapshot.kept.above };
      id = found.id;
      if ('products' in found && found.products.size === 0) return false;
      recent.append(found);
      return true;
    },
  };
}
