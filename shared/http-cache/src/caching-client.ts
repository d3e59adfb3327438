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
import { type HttpHeaders, type HttpRequest, isSafe } from '@micromart/http/exchange';
import type { Send } from '@micromart/http/send';
import { type Asked, createAnswerMemory } from './answer-memory.ts';
import { parseCacheControl } from './cache-control.ts';
import {
  type Asking,
  judgeAnswer,
  judgeRenewed,
  type Kept,
  mayBeKept,
  mayStandIn,
  satisfies,
} from './cache-entry.ts';
import { addressOf, cacheKey, createIdentities } from './cache-key.ts';
import type { CacheStatusParameters } from './cache-status.ts';
import { type CachedAnswer, createAnswers } from './cached-answers.ts';
import type { MemoryLimits } from './memory.ts';
import type { CacheMeter } from './metrics.ts';
import { createOrigins, type OriginLimits } from './origins.ts';
import { createPolicies } from './policy.ts';
import { conditionsOf, isConditional, withConditions } from './preconditions.ts';
import { steadyClock } from './steady-clock.ts';
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

type Request = Asked & Asking & { readonly address: string };

/** What a request to the origin came to; `failure` where those that went along have to do without its answer. */
type Landing = { readonly answer: CachedAnswer; readonly failure?: string | undefined };

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
  const memory = createAnswerMemory(limits, meter);
  const askOrigin = createOrigins({ send, clock, limits, onAsked: meter.asked });
  const identify = createIdentities();
  const judge = createPolicies(clock);
  const answers = createAnswers(name);
  const flights = new Map<string, Promise<Landing>>();

  /** What to answer with when the origin failed. */
  function standIn(request: Request, kept: Kept | undefined, why: string, told: CacheStatusParameters) {
    const failed = { ...told, detail: 'origin-failed' };
    return kept && mayStandIn(kept, request.directives)
      ? answers.fromMemory(kept, request.headers, 'stale', failed)
      : answers.unavailable(`${originOf(request.address)} ${why}`, failed);
  }

  async function ask(request: Request, kept: Kept | undefined): Promise<Landing> {
    memory.expect(request);
    const landing = await askAndKeep(request, kept);
    memory.expectNoMore(request);
    return landing;
  }

  async function askAndKeep(request: Request, kept: Kept | undefined): Promise<Landing> {
    const conditions = kept && conditionsOf(kept.headers);
    const headers = conditions ? withConditions(request.headers, conditions) : request.headers;
    const mayFail = kept !== undefined && mayStandIn(kept, request.directives);
    // A caller with a condition holds something that it can do with.
    const attempts = mayFail || isConditional(request.headers) ? 1 : limits.attempts;
    const exchange = await askOrigin({ method: 'GET', url: request.address, headers }, { attempts });
    const { answer, failure } = exchange;
    const told = { fwd: kept ? 'stale' : 'uri-miss', fwdStatus: answer?.status } as const;
    const fail = (why: string) => ({ answer: standIn(request, kept, why, told), failure: why });

    if (!answer || (failure && mayFail)) return fail(failure!);
    if (answer.status === 304 && kept && conditions) {
      const renewed = judgeRenewed(judge, kept, answer, request, exchange);
      memory.keep(request, renewed);
      return { answer: answers.fromMemory(renewed, request.headers, 'revalidated', told) };
    }
    if (answer.status === 304 && !isConditional(headers)) return fail('answered 304 to what was no question');
    const judged = judgeAnswer(judge, answer, request, exchange);
    if (!failure || mayBeKept(judged)) memory.keep(request, judged);
    return { answer: answers.fetched(judged, told), failure };
  }

  /** Asks for all who want the same until the answer is there. */
  function takeOff(request: Request, kept: Kept | undefined): Promise<Landing> {
    const flight = ask(request, kept).finally(() => flights.delete(request.key));
    flights.set(request.key, flight);
    return flight;
  }

  async function goAlong(request: Request, flight: Promise<Landing>): Promise<CachedAnswer> {
    meter.collapsed();
    const { failure } = await flight;
    const kept = memory.recall(request);
    const told = { fwd: kept ? 'stale' : 'uri-miss', collapsed: true } as const;
    if (failure !== undefined) return standIn(request, kept, failure, told);
    if (kept && satisfies(kept, request.directives))
      return answers.fromMemory(kept, request.headers, 'fresh', told);
    return (await ask(request, kept)).answer;
  }

  async function get(request: Request): Promise<CachedAnswer> {
    const { headers, directives, key } = request;
    const kept = memory.recall(request);
    if (kept && satisfies(kept, directives)) return answers.fromMemory(kept, headers, 'fresh', {});
    if (directives.has('only-if-cached'))
      return answers.unavailable('nothing fresh is kept, and the origin was not to be asked', {});
    // Whoever asks for something newer than what is kept may not be served by what was asked for before.
    if (directives.size > 0) return (await ask(request, kept)).answer;
    const flight = flights.get(key);
    return flight ? goAlong(request, flight) : (await takeOff(request, kept)).answer;
  }

  async function pass(request: HttpRequest): Promise<CachedAnswer> {
    const safe = isSafe(request.method);
    const exchange = await askOrigin(request, { attempts: safe ? limits.attempts : 1 });
    const { answer, failure } = exchange;
    const { headers } = request;
    const directives = parseCacheControl(headers['cache-control']);
    const told = { fwd: 'method', fwdStatus: answer?.status } as const;
    // Without an answer it may have been carried out all the same.
    if (!safe && (!answer || answer.status < 400)) memory.forget(request.url, answer?.headers);
    return answer
      ? answers.fetched(judgeAnswer(judge, answer, { headers, directives }, exchange), told)
      : answers.unavailable(`${originOf(request.url)} ${failure}`, told);
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
      return counted(pass({ method, url: addressOf(new URL(url)), headers, body }), signal);
    },
    memory,
  };
}

const originOf = (address: string): string => new URL(address).origin;
