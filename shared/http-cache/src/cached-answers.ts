/** The answers that the caching client returns. */
import type { HttpHeaders } from '@micromart/http/client/http-client';
import type { CacheStatus } from './metrics.ts';
import { type CacheStatusParameters, formatCacheStatus } from './rules/cache-status.ts';
import { withoutBody } from './rules/headers.ts';
import { isNotModified } from './rules/preconditions.ts';
import { type CacheEntry, mayBeStored } from './store/cache-entry.ts';

export type CachedAnswer = {
  readonly status: number;
  /** Includes `Cache-Status`, and `Age` if it comes from memory. */
  readonly headers: HttpHeaders;
  /** The body, read as UTF-8. */
  readonly text: string;
  readonly cacheStatus: CacheStatus;
  /** Milliseconds since its owner made it. */
  readonly ageMs: number;
  /** The rest of its lifetime, in milliseconds; 0 for an answer that is stale or must not be used again. */
  readonly freshForMs: number;
  /** Milliseconds for which it may be used if its owner fails; never shorter than its lifetime. */
  readonly usableForMs: number;
};

const SECOND_MS = 1_000;
/** Only such an answer can be replaced by a 304 (RFC 9110, 13.2.1). */
const OK = 200;

const seconds = (ms: number): number => Math.floor(ms / SECOND_MS);

/** `name` identifies this cache in `Cache-Status`. */
export function createCachedAnswers(name: string) {
  const timesOf = ({ policy, reusable }: CacheEntry) => {
    const ageMs = policy.age() * SECOND_MS;
    const restMs = reusable ? policy.maxAge() * SECOND_MS - ageMs : 0;
    return {
      ageMs,
      restMs,
      freshForMs: Math.max(0, restMs),
      usableForMs: reusable ? policy.timeToLive() : 0,
    };
  };

  return {
    /** A stored answer; a 304 if the caller has it already and it is still valid. */
    fromEntry(
      entry: CacheEntry,
      request: HttpHeaders,
      cacheStatus: CacheStatus,
      parameters: CacheStatusParameters,
    ): CachedAnswer {
      const { restMs, ...times } = timesOf(entry);
      const headers = {
        ...entry.headers,
        age: String(seconds(times.ageMs)),
        'cache-status': formatCacheStatus(
          name,
          { ...parameters, ttlS: seconds(restMs) },
          entry.headers['cache-status'],
        ),
      };
      const notModified =
        cacheStatus !== 'stale' && entry.status === OK && isNotModified(request, entry.headers);
      return notModified
        ? { status: 304, headers: withoutBody(headers), text: '', cacheStatus, ...times }
        : { status: entry.status, headers, text: entry.text, cacheStatus, ...times };
    },

    /** The origin's answer, passed on. */
    fetched(entry: CacheEntry, parameters: CacheStatusParameters): CachedAnswer {
      const { status, text } = entry;
      const { restMs: _, ...times } = timesOf(entry);
      const cacheStatus = formatCacheStatus(
        name,
        { ...parameters, fwdStatus: status, stored: mayBeStored(entry) },
        entry.headers['cache-status'],
      );
      return {
        status,
        headers: { ...entry.headers, 'cache-status': cacheStatus },
        text,
        cacheStatus: 'fetched',
        ...times,
      };
    },

    /** The cache's own answer when it has no other (RFC 9111, 5.2.1.7 and 5.2.2.2). */
    unavailable(why: string, parameters: CacheStatusParameters): CachedAnswer {
      const headers = { 'content-type': 'text/plain', 'cache-status': formatCacheStatus(name, parameters) };
      return {
        status: 504,
        headers,
        text: why,
        cacheStatus: 'unavailable',
        ageMs: 0,
        freshForMs: 0,
        usableForMs: 0,
      };
    },
  };
}
