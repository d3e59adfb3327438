/** The stored answers, by address, caller and variant, and their invalidation. */
import type { HttpHeaders } from '@micromart/http/client/http-client';
import type { CacheMeter } from '../metrics.ts';
import { addressOf, keyPrefix } from '../rules/cache-key.ts';
import { bytesOf, type CacheEntry, select, type Variants, withVariant } from './cache-entry.ts';
import { createMemory, type MemoryLimits } from './memory.ts';

/** A request, and the key under which its answer is stored. */
export type KeyedRequest = { readonly key: string; readonly headers: HttpHeaders };

export type EntryStore = {
  find(request: KeyedRequest): CacheEntry | undefined;
  /** Announces a request whose answer may be stored. */
  expect(request: KeyedRequest): void;
  expectNoMore(request: KeyedRequest): void;
  /**
   * Stores an expected answer in place of the one before, unless that one was requested later. An answer that may not be
   * stored removes the one before.
   */
  store(request: KeyedRequest, answer: CacheEntry): void;
  /**
   * Removes what a request with an unsafe method may have changed: its address and, at the same origin, the addresses that
   * its answer names (RFC 9111, 4.4). Answers to earlier requests are no longer expected: they may show the old state.
   */
  invalidate(url: string, answer?: HttpHeaders): void;
  readonly entries: number;
  readonly bytes: number;
};

/** The variants under a key, and the number of the request that brought the latest. */
type StoredVariants = { readonly variants: Variants; readonly number: number };

const EMPTY: StoredVariants = { variants: [], number: 0 };

export function createEntryStore(limits: MemoryLimits, meter: CacheMeter): EntryStore {
  const memory = createMemory<StoredVariants>(limits, meter.evicted);
  /** Requests, numbered in the order in which they were made. */
  const expected = new Map<KeyedRequest, number>();
  let lastNumber = 0;

  return {
    find({ key, headers }) {
      const stored = memory.get(key);
      return stored && select(stored.variants, headers);
    },
    expect(request) {
      lastNumber += 1;
      expected.set(request, lastNumber);
    },
    expectNoMore: (request) => expected.delete(request),
    store(request, answer) {
      const number = expected.get(request);
      const { key, headers } = request;
      const before = memory.get(key) ?? EMPTY;
      // Without a number it is not expected; with a lower one a later request has overtaken it.
      if (number === undefined || number < before.number) return;
      const variants = withVariant(before.variants, headers, answer);
      if (variants.length > 0) memory.set(key, { variants, number }, bytesOf(key, variants));
      else memory.delete(key);
      meter.stored(memory);
    },
    invalidate(url, { location, 'content-location': contentLocation } = {}) {
      for (const reference of [url, location, contentLocation]) {
        const prefix = reference === undefined ? undefined : prefixAt(reference, url);
        if (prefix === undefined) continue;
        memory.deleteAll(prefix);
        for (const request of expected.keys()) if (request.key.startsWith(prefix)) expected.delete(request);
      }
      meter.stored(memory);
    },
    get entries() {
      return memory.entries;
    },
    get bytes() {
      return memory.bytes;
    },
  };
}

/** The key prefix of the address that a reference means; undefined if it is at another origin. */
function prefixAt(reference: string, base: string): string | undefined {
  const named = URL.parse(reference, base);
  return named && named.origin === new URL(base).origin ? keyPrefix(addressOf(named)) : undefined;
}
