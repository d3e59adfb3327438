/**
 * Where answers are kept: node-cache, bounded by entries and by bytes. Its own expiry is off, because an answer past its
 * lifetime still serves for conditional requests and, where its owner allows, for errors.
 */
import NodeCache from 'node-cache';
import { createUseOrder, type Place } from './use-order.ts';

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
  const places = new Map<string, Place>();
  const order = createUseOrder();
  let bytes = 0;

  function remove(key: string): void {
    const place = places.get(key);
    if (!place) return;
    bytes -= place.entry.bytes;
    place.remove();
    places.delete(key);
    cache.del(key);
  }

  return {
    get(key) {
      const place = places.get(key);
      if (!place) return undefined;
      place.entry.isUsed = true;
      return cache.get<T>(key);
    },
    set(key, value, size) {
      remove(key);
      if (size > maxBytes * LARGEST_SHARE) return;
      while (places.size >= maxEntries || bytes + size > maxBytes) {
        remove(order.next()!.key);
        onEvict();
      }
      cache.set(key, value);
      places.set(key, order.add({ key, bytes: size, isUsed: false }));
      bytes += size;
    },
    delete: remove,
    deleteAll(prefix) {
      for (const key of places.keys()) if (key.startsWith(prefix)) remove(key);
    },
    get entries() {
      return places.size;
    },
    get bytes() {
      return bytes;
    },
  };
}
