/**
 * An HTTP client with a private cache (RFC 9111). It stores answers exactly as long as their owners allow.
 *
 * - A fresh answer comes from memory. A stale one is validated by a conditional request, whose 304 renews its headers and
 *   its lifetime.
 * - Concurrent requests for the same address and caller are sent once. If the answer may not serve one that joined,
 *   because it must not be stored or varies by other headers, that one sends its own request.
 * - When the origin fails (500, 502, 503, 504, too late, cut short, refused), a stored answer is used as long as its
 *   owner's `stale-if-error` allows, unless `must-revalidate` or `no-cache` forbids it. If none may be used, the client
 *   retries a few times. Then it passes on the origin's error, or answers 504 itself, with a text that says why.
 * - A request with an unsafe method invalidates what it may have changed (RFC 9111, 4.4).
 *
 * All times come from one clock; memory, time and sizes have limits. It rejects only for an aborted signal or an invalid
 * URL, whatever an origin does. A caller that aborts stops waiting; its request goes on, for other callers and for the
 * memory, until its own timeout.
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
  /** Sends any method but GET. The answer never comes from memory. */
  send(
    url: string,
    options: { method: string; headers?: HttpHeaders; body?: string; signal?: AbortSignal },
  ): Promise<CachedAnswer>;
  /** What is stored now. */
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

/** The outcome of a request to the origin; `failure` says why callers that joined must not use its answer. */
type Outcome = { readonly answer: CachedAnswer; readonly failure?: string | undefined };

/** `name` is a token that identifies this cache in `Cache-Status`. */
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

  /** The answer to a request when the origin has failed. */
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
    // A caller with a condition has a copy of its own to use.
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
    if (answer.status === 304 && !isConditional(headers))
      return fail('answered 304 to an unconditional request');
    const fetched = createEntry(createPolicy, answer, request, result);
    if (!failure || mayBeStored(fetched)) memory.store(request, fetched);
    return { answer: answers.fetched(fetched, parameters), failure };
  }

  /** Starts the request that all concurrent callers share. */
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
      return answers.unavailable('no fresh answer is stored, and the request has only-if-cached', {});
    // A caller that demands a newer answer may not share a request that was sent before.
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
    // Without an answer the request may have been executed nevertheless.
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
