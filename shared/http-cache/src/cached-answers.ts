/** What the cache hands out. */
import type { HttpHeaders } from '@micromart/http/exchange';
import { type Kept, mayBeKept } from './cache-entry.ts';
import { type CacheStatusParameters, formatCacheStatus } from './cache-status.ts';
import { withoutBody } from './headers.ts';
import type { CacheStatus } from './metrics.ts';
import { callerHas } from './preconditions.ts';

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
export function createAnswers(name: string) {
  const timesOf = ({ policy, reusable }: Kept) => {
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
    fromMemory(
      kept: Kept,
      request: HttpHeaders,
      cacheStatus: CacheStatus,
      told: CacheStatusParameters,
    ): CachedAnswer {
      const { restMs, ...times } = timesOf(kept);
      const headers = {
        ...kept.headers,
        age: String(seconds(times.ageMs)),
        'cache-status': formatCacheStatus(
          name,
          { ...told, ttlS: seconds(restMs) },
          kept.headers['cache-status'],
        ),
      };
      const notModified = cacheStatus !== 'stale' && kept.status === OK && callerHas(request, kept.headers);
      return notModified
        ? { status: 304, headers: withoutBody(headers), text: '', cacheStatus, ...times }
        : { status: kept.status, headers, text: kept.text, cacheStatus, ...times };
    },

    /** The origin's answer, passed on. */
    fetched(answer: Kept, told: CacheStatusParameters): CachedAnswer {
      const { status, text } = answer;
      const { restMs: _, ...times } = timesOf(answer);
      const cacheStatus = formatCacheStatus(
        name,
        { ...told, fwdStatus: status, stored: mayBeKept(answer) },
        answer.headers['cache-status'],
      );
      return {
        status,
        headers: { ...answer.headers, 'cache-status': cacheStatus },
        text,
        cacheStatus: 'fetched',
        ...times,
      };
    },

    /** The cache's own, where it has nothing to answer with (RFC 9111, 5.2.1.7 and 5.2.2.2). */
    unavailable(why: string, told: CacheStatusParameters): CachedAnswer {
      const headers = { 'content-type': 'text/plain', 'cache-status': formatCacheStatus(name, told) };
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
