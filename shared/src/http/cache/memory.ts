/**
 * Where answers are kept: node-cache, bounded by entries and by bytes. Its own expiry is off, because an answer past its
 * lifetime still serves for conditional requests and, where its owner allows, for errors.
 *
 * The oldest goes first, but one that was used since is passed over once: nearly what was used least recently, without
 * moving an entry at each use (which costs a Map of ten thousand forty microseconds).
 */
import NodeCache from 'node-cache';

export type MemoryLimits = { readonly maxEntries: number; readonly maxBytes: number };

export type Memory<T> = {
  get(key: string): T | undefined;
  /** `bytes` is what the value takes, about. One that would take more than a quarter of the memory is not kept. */
  set(key: string, value: T, bytes: number): void;
  delete(key: string): void;
  /** Removes whatever is kept under keys that begin so. */
  deleteAll(prefix: string): void;
  readonly entries: number;
  readonly bytes: number;
};

const LARGEST_SHARE = 1 / 4;

/** `onEvict` is told of every entry that has to go for another one. */
export function createMemory<T>({ maxEntries, maxBytes }: MemoryLimits, onEvict: () => void): Memory<T> {
  const cache = new NodeCache({ stdTTL: 0, checkperiod: 0, useClones: false, maxKeys: maxEntries });
  /** By key, in the order in which they are looked at when one has to go. */
  const entries = new Map<string, { readonly bytes: number; isUsed: boolean }>();
  /** Kept, as a new one would pass over the places of all that are gone. */
  let oldest = entries.keys();
  let bytes = 0;

  function remove(key: string): void {
    bytes -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
    cache.del(key);
  }

  function evict(): void {
    const { value: key, done } = oldest.next();
    if (done) {
      oldest = entries.keys();
      return;
    }
    const { bytes, isUsed } = entries.get(key)!;
    if (!isUsed) {
      remove(key);
      onEvict();
      return;
    }
    entries.delete(key);
    entries.set(key, { bytes, isUsed: false });
  }

  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entry.isUsed = true;
      return cache.get<T>(key);
    },
    set(key, value, size) {
      remove(key);
      if (size > maxBytes * LARGEST_SHARE) return;
      while (entries.size >= maxEntries || bytes + size > maxBytes) evict();
      cache.set(key, value);
      entries.set(key, { bytes: size, isUsed: false });
      bytes += size;
    },
    delete: remove,
    deleteAll(prefix) {
      for (const key of entries.keys()) if (key.startsWith(prefix)) remove(key);
    },
    get entries() {
      return entries.size;
    },
    get bytes() {
      return bytes;
    },
  };
}
