/**
 * An HTTP client with a private cache (RFC 9111): what it was answered, it keeps as long as the answer's owner said, and
 * not a moment longer.
 *
 * - A kept answer that is fresh is handed out without asking. Past that, the origin is asked whether it still holds, and
 *   a 304 renews its headers and its lifetime.
 * - Requests for the same at the same time go to the origin as one. Those that its answer may not serve, because it must
 *   not be kept or was chosen by other headers, then go on their own.
 * - When the origin fails (500, 502, 503, 504, too late, cut short, refused), a kept answer stands in as long as its
 *   owner's `stale-if-error` allows; `must-revalidate` and `no-cache` win. Where nothing may stand in, the request is
 *   repeated a few times, and at last answered 504 by the cache itself, with a text that says why.
 * - A request with an unsafe method makes the cache forget what it may have changed (RFC 9111, 4.4).
 *
 * One clock decides, and memory, time and sizes have limits. Nothing that an origin does makes it reject: only a signal
 * that was aborted, and an address that is none. A caller that gives up stops waiting; the request itself goes on, for
 * the others and for the memory, until its own time is over.
 */
import { type HttpHeaders, type HttpRequest, isSafe } from '@micromart/http/client/http-client';
import type { Send } from '@micromart/http/client/send';
import { type CachedAnswer, createCachedAnswers } from './cached-answers.ts';
import type { CacheMeter } from './metrics.ts';
import { createOrigins, type OriginLimits } from './origins.ts';
import { parseCacheControl } from './rules/cache-control.ts';
import { addressOf, cacheKey, createIdentities } from './rules/cache-key.ts';
import type { CacheStatusParameters } from './rules/cache-status.ts';
import { createPolicyFactory } from './rules/policy.ts';
import { conditionsOf, isConditional, withConditions } from './rules/preconditions.ts';
import { steadyClock } from './steady-clock.ts';
import {
  type CacheEntry,
  createEntry,
  freshenEntry,
  mayBeStored,
  mayServeOnError,
  type ParsedRequest,
  satisfies,
} from './store/cache-entry.ts';
import { createEntryStore, type KeyedRequest } from './store/entry-store.ts';
import type { MemoryLimits } from './store/memory.ts';
import { untilAborted } from './until-aborted.ts';

export type CachingClient = {
  get(url: string, options?: { headers?: HttpHeaders; signal?: AbortSignal }): Promise<CachedAnswer>;
  /** Any method but GET: never answered from memory. */
  send(
    url: string,
    options: { method: string; headers?: HttpHeaders; body?: string; signal?: AbortSignal },
  ): Promise<CachedAnswer>;
  /** What is kept now. */
  readonly memory: { readonly entries: number; readonly bytes: number };
};

export type CacheLimits = MemoryLimits & OriginLimits;

export const CACHE_LIMITS: CacheLimits = {
  maxEntries: 10_000,
  maxBytes: 16 * 1024 * 1024,
  maxAnswerBytes: 4 * 1024 * 1024,
  timeoutMs: 3_000,
  attempts: 3,
  pauseMs: 1_000,
};

type Request = KeyedRequest & ParsedRequest & { readonly address: string };

/** What a request to the origin came to; `failure` where those that went along have to do without its answer. */
type Outcome = { readonly answer: CachedAnswer; readonly failure?: string | undefined };

/** `name` is a token, by which the cache calls itself in `Cache-Status`. */
export function createCachingClient({
  name,
  send,
  meter,
  clock = steadyClock,
  limits = CACHE_LIMITS,
}: {
  name: string;
  send: Send;
  meter: CacheMeter;
  /** Milliseconds since 1970. */
  clock?: () => number;
  limits?: CacheLimits;
}): CachingClient {
  const memory = createEntryStore(limits, meter);
  const askOrigin = createOrigins({ send, clock, limits, onRequest: meter.requested });
  const identify = createIdentities();
  const createPolicy = createPolicyFactory(clock);
  const answers = createCachedAnswers(name);
  const flights = new Map<string, Promise<Outcome>>();

  /** What to answer with when the origin failed. */
  function answerOnError(
    request: Request,
    entry: CacheEntry | undefined,
    why: string,
    parameters: CacheStatusParameters,
  ) {
    const failed = { ...parameters, detail: 'origin-failed' };
    return entry && mayServeOnError(entry, request.directives)
      ? answers.fromEntry(entry, request.headers, 'stale', failed)
      : answers.unavailable(`${originOf(request.address)} ${why}`, failed);
  }

  async function requestOrigin(request: Request, entry: CacheEntry | undefined): Promise<Outcome> {
    memory.expect(request);
    const outcome = await requestAndStore(request, entry);
    memory.expectNoMore(request);
    return outcome;
  }

  async function requestAndStore(request: Request, entry: CacheEntry | undefined): Promise<Outcome> {
    const conditions = entry && conditionsOf(entry.headers);
    const headers = conditions ? withConditions(request.headers, conditions) : request.headers;
    const mayFail = entry !== undefined && mayServeOnError(entry, request.directives);
    // A caller with a condition holds something that it can do with.
    const attempts = mayFail || isConditional(request.headers) ? 1 : limits.attempts;
    const result = await askOrigin({ method: 'GET', url: request.address, headers }, { attempts });
    const { answer, failure } = result;
    const parameters = { fwd: entry ? 'stale' : 'uri-miss', fwdStatus: answer?.status } as const;
    const fail = (why: string) => ({ answer: answerOnError(request, entry, why, parameters), failure: why });

    if (!answer || (failure && mayFail)) return fail(failure!);
    if (answer.status === 304 && entry && conditions) {
      const freshened = freshenEntry(createPolicy, entry, answer, request, result);
      memory.store(request, freshened);
      return { answer: answers.fromEntry(freshened, request.headers, 'revalidated', parameters) };
    }
    if (answer.status === 304 && !isConditional(headers)) return fail('answered 304 to what was no question');
    const fetched = createEntry(createPolicy, answer, request, result);
    if (!failure || mayBeStored(fetched)) memory.store(request, fetched);
    return { answer: answers.fetched(fetched, parameters), failure };
  }

  /** Asks for all who want the same until the answer is there. */
  function startFlight(request: Request, entry: CacheEntry | undefined): Promise<Outcome> {
    const flight = requestOrigin(request, entry).finally(() => flights.delete(request.key));
    flights.set(request.key, flight);
    return flight;
  }

  async function joinFlight(request: Request, flight: Promise<Outcome>): Promise<CachedAnswer> {
    meter.collapsed();
    const { failure } = await flight;
    const entry = memory.find(request);
    const parameters = { fwd: entry ? 'stale' : 'uri-miss', collapsed: true } as const;
    if (failure !== undefined) return answerOnError(request, entry, failure, parameters);
    if (entry && satisfies(entry, request.directives))
      return answers.fromEntry(entry, request.headers, 'fresh', parameters);
    return (await requestOrigin(request, entry)).answer;
  }

  async function get(request: Request): Promise<CachedAnswer> {
    const { headers, directives, key } = request;
    const entry = memory.find(request);
    if (entry && satisfies(entry, directives)) return answers.fromEntry(entry, headers, 'fresh', {});
    if (directives.has('only-if-cached'))
      return answers.unavailable('nothing fresh is kept, and the origin was not to be asked', {});
    // Whoever asks for something newer than what is kept may not be served by what was asked for before.
    if (directives.size > 0) return (await requestOrigin(request, entry)).answer;
    const flight = flights.get(key);
    return flight ? joinFlight(request, flight) : (await startFlight(request, entry)).answer;
  }

  async function forward(request: HttpRequest): Promise<CachedAnswer> {
    const safe = isSafe(request.method);
    const result = await askOrigin(request, { attempts: safe ? limits.attempts : 1 });
    const { answer, failure } = result;
    const { headers } = request;
    const directives = parseCacheControl(headers['cache-control']);
    const parameters = { fwd: 'method', fwdStatus: answer?.status } as const;
    // Without an answer it may have been carried out all the same.
    if (!safe && (!answer || answer.status < 400)) memory.invalidate(request.url, answer?.headers);
    return answer
      ? answers.fetched(createEntry(createPolicy, answer, { headers, directives }, result), parameters)
      : answers.unavailable(`${originOf(request.url)} ${failure}`, parameters);
  }

  async function counted(answering: Promise<CachedAnswer>, signal?: AbortSignal): Promise<CachedAnswer> {
    const answer = await untilAborted(answering, signal);
    meter.answered(answer.cacheStatus);
    return answer;
  }

  return {
    async get(url, { headers = {}, signal } = {}) {
      signal?.throwIfAborted();
      const address = addressOf(new URL(url));
      const key = cacheKey(address, identify(headers.authorization));
      const directives = parseCacheControl(headers['cache-control']);
      return counted(get({ address, key, headers, directives }), signal);
    },
    async send(url, { method, headers = {}, body, signal }) {
      signal?.throwIfAborted();
      return counted(forward({ method, url: addressOf(new URL(url)), headers, body }), signal);
    },
    memory,
  };
}

const originOf = (address: string): string => new URL(address).origin;
