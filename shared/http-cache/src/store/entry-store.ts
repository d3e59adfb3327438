/** The answers that are kept, by address, who asked and variant; and what is forgotten of them. */
import type { HttpHeaders } from '@micromart/http/client/http-client';
import type { CacheMeter } from '../metrics.ts';
import { addressOf, keyPrefix } from '../rules/cache-key.ts';
import { bytesOf, type CacheEntry, select, type Variants, withVariant } from './cache-entry.ts';
import { createMemory, type MemoryLimits } from './memory.ts';

/** A request, and the key that its answer is kept under. */
export type KeyedRequest = { readonly key: string; readonly headers: HttpHeaders };

export type EntryStore = {
  find(request: KeyedRequest): CacheEntry | undefined;
  /** Announces an answer that may come to be kept. */
  expect(request: KeyedRequest): void;
  expectNoMore(request: KeyedRequest): void;
  /**
   * Keeps an answer that is expected, in the place of the one before, unless that was asked for later. One that may not be
   * kept takes that away.
   */
  store(request: KeyedRequest, answer: CacheEntry): void;
  /**
   * Forgets what a request with an unsafe method may have changed: its address and, at the same origin, those that its
   * answer names (RFC 9111, 4.4). What was asked for before is not expected any more: it may tell of the time before.
   */
  invalidate(url: string, answer?: HttpHeaders): void;
  readonly entries: number;
  readonly bytes: number;
};

/** What is kept under a key, and which request brought the latest of it. */
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
      // Without a number it is not expected; with an earlier one it has been overtaken.
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

/** Where answers of the address are kept that a reference means; undefined at another origin. */
function prefixAt(reference: string, base: string): string | undefined {
  const named = URL.parse(reference, base);
  return named && named.origin === new URL(base).origin ? keyPrefix(addressOf(named)) : undefined;
}
