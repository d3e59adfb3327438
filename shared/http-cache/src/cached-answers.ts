/** What the cache hands out. */
import type { HttpHeaders } from '@micromart/http/client/http-client';
import type { CacheStatus } from './metrics.ts';
import { type CacheStatusParameters, formatCacheStatus } from './rules/cache-status.ts';
import { withoutBody } from './rules/headers.ts';
import { isNotModified } from './rules/preconditions.ts';
import { type CacheEntry, mayBeStored } from './store/cache-entry.ts';

export type CachedAnswer = {
  readonly status: number;
  /** With `Cache-Status`, and with `Age` where it comes from memory. */
  readonly headers: HttpHeaders;
  /** The body, read as UTF-8. */
  readonly text: string;
  readonly cacheStatus: CacheStatus;
  /** Since its owner made it. */
  readonly ageMs: number;
  /** The rest of its lifetime; 0 for what is stale or must not be used again. */
  readonly freshForMs: number;
  /** As long as it may stand in when its owner fails; never shorter than its lifetime. */
  readonly usableForMs: number;
};

const SECOND_MS = 1_000;
/** What a 304 can stand for (RFC 9110, 13.2.1). */
const OK = 200;

const seconds = (ms: number): number => Math.floor(ms / SECOND_MS);

/** `name` is how this cache calls itself in `Cache-Status`. */
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
    /** A kept answer; as a 304 where the caller has it already and it holds. */
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

    /** The cache's own, where it has nothing to answer with (RFC 9111, 5.2.1.7 and 5.2.2.2). */
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
