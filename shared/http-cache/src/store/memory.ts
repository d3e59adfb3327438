/**
 * The memory of the cache: node-cache, bounded by entries and by bytes. Its own expiry is off, because a stale answer still
 * serves for conditional requests and, if its owner allows, when the origin fails.
 */
import NodeCache from 'node-cache';
import { createEvictionOrder, type OrderedEntry } from './eviction-order.ts';

export type MemoryLimits = { readonly maxEntries: number; readonly maxBytes: number };

export type Memory<T> = {
  get(key: string): T | undefined;
  /** `bytes` is about what the value takes. A value above a quarter of the memory is not stored. */
  set(key: string, value: T, bytes: number): void;
  delete(key: string): void;
  /** Removes all entries whose keys have this prefix. */
  deleteAll(prefix: string): void;
  readonly entries: number;
  readonly bytes: number;
};

const LARGEST_SHARE = 1 / 4;

/** `onEvict` is called for every entry that is removed to make room for another. */
export function createMemory<T>({ maxEntries, maxBytes }: MemoryLimits, onEvict: () => void): Memory<T> {
  const cache = new NodeCache({ stdTTL: 0, checkperiod: 0, useClones: false, maxKeys: maxEntries });
  const ordered = new Map<string, OrderedEntry>();
  const order = createEvictionOrder();
  let bytes = 0;

  function remove(key: string): void {
    const known = ordered.get(key);
    if (!known) return;
    bytes -= known.entry.bytes;
    known.remove();
    ordered.delete(key);
    cache.del(key);
  }

  return {
    get(key) {
      const known = ordered.get(key);
      if (!known) return undefined;
      known.entry.isUsed = true;
      return cache.get<T>(key);
    },
    set(key, value, size) {
      remove(key);
      if (size > maxBytes * LARGEST_SHARE) return;
      while (ordered.size >= maxEntries || bytes + size > maxBytes) {
        remove(order.next()!.key);
        onEvict();
      }
      cache.set(key, value);
      ordered.set(key, order.add({ key, bytes: size, isUsed: false }));
      bytes += size;
    },
    delete: remove,
    deleteAll(prefix) {
      for (const key of ordered.keys()) if (key.startsWith(prefix)) remove(key);
    },
    get entries() {
      return ordered.size;
    },
    get bytes() {
      return bytes;
    },
  };
}
