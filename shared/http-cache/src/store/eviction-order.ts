/**
 * Second-chance eviction: the oldest entry goes first, but an entry that was used since its last turn is spared once. That
 * is close to least recently used, without moving an entry at each use.
 *
 * It is a ring of its own and not a map in insertion order. To find a map's first entry, a new iterator passes over the
 * slots of all deleted ones, and an iterator that is kept holds every table that the map has outgrown since.
 */
export type MemoryEntry = { readonly key: string; readonly bytes: number; isUsed: boolean };

type Link = { entry: MemoryEntry | undefined; before: Link; after: Link };

/** An entry in the order; `remove` takes it out again. */
export type OrderedEntry = { readonly entry: MemoryEntry; remove(): void };

export type EvictionOrder = {
  /** Appends an entry. */
  add(entry: MemoryEntry): OrderedEntry;
  /** The entry to evict next; undefined when there is none. */
  next(): MemoryEntry | undefined;
};

export function createEvictionOrder(): EvictionOrder {
  const end = { entry: undefined } as Link;
  end.before = end;
  end.after = end;

  const append = (link: Link) => {
    link.before = end.before;
    link.after = end;
    end.before.after = link;
    end.before = link;
  };
  const detach = ({ before, after }: Link) => {
    before.after = after;
    after.before = before;
  };

  return {
    add(entry) {
      const link = { entry } as Link;
      append(link);
      return { entry, remove: () => detach(link) };
    },
    next() {
      for (let first = end.after; first.entry?.isUsed; first = end.after) {
        first.entry.isUsed = false;
        detach(first);
        append(first);
      }
      return end.after.entry;
    },
  };
}
