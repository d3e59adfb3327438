/**
 * Asking origins. One that cannot be reached, takes too long, or says that it is away (502, 503, 504) is left alone for a
 * pause, so that it is not asked by everybody while it comes back; whoever asks meanwhile is told at once. The pause is a
 * second instead of a breaker: nothing has to be closed again, and a returned origin is found within a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpRequest } from '../exchange.ts';
import type { HttpAnswer, Send } from '../send.ts';

export type OriginLimits = {
  /** For the whole answer, attempts and the time between them included. */
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
  /** At most, where there is nothing to answer with instead. */
  readonly attempts: number;
  readonly pauseMs: number;
};

export type Exchange =
  | {
      readonly answer: HttpAnswer;
      /** When the request was sent, and when its answer was there. */
      readonly requestedMs: number;
      readonly receivedMs: number;
      /** Why a kept answer may stand in for this one, which is the origin's error. */
      readonly failure?: string | undefined;
    }
  | { readonly answer?: undefined; readonly failure: string };

export type AskOrigin = (request: HttpRequest, options: { attempts: number }) => Promise<Exchange>;

/** The errors for which a kept answer may stand in (RFC 5861, section 4); all but 500 say that the origin is away. */
const ERRORS = [500, 502, 503, 504];
const AWAY = [502, 503, 504];
const RETRY_PAUSE_MS = 100;
const MAX_ORIGINS = 100;

/** `onAsked` is told of every request that is sent. */
export function createOrigins({
  send,
  clock,
  limits,
  onAsked,
}: {
  send: Send;
  clock: () => number;
  limits: OriginLimits;
  onAsked: (outcome: 'answered' | 'failed') => void;
}): AskOrigin {
  const pauses = new Map<string, { untilMs: number; failure: string }>();

  async function attempt(request: HttpRequest, timeoutMs: number): Promise<Exchange & { isAway: boolean }> {
    const requestedMs = clock();
    try {
      const answer = await send(request, { timeoutMs, maxBytes: limits.maxAnswerBytes });
      const failure = ERRORS.includes(answer.status) ? `answered ${answer.status}` : undefined;
      onAsked(failure ? 'failed' : 'answered');
      return { answer, requestedMs, receivedMs: clock(), failure, isAway: AWAY.includes(answer.status) };
    } catch (error) {
      onAsked('failed');
      const { message, code } = error as NodeJS.ErrnoException;
      return { failure: message || code || 'failed', isAway: true };
    }
  }

  function pause(origin: string, failure: string): void {
    pauses.delete(origin);
    if (pauses.size >= MAX_ORIGINS) pauses.delete(pauses.keys().next().value!);
    pauses.set(origin, { untilMs: clock() + limits.pauseMs, failure });
  }

  return async (request, { attempts }) => {
    const { origin } = new URL(request.url);
    const paused = pauses.get(origin);
    if (paused && clock() < paused.untilMs) return { failure: paused.failure };

    const deadlineMs = performance.now() + limits.timeoutMs;
    for (let left = attempts - 1; ; left -= 1) {
      const exchange = await attempt(request, Math.max(1, Math.round(deadlineMs - performance.now())));
      if (!exchange.isAway) {
        pauses.delete(origin);
        return exchange;
      }
      const retryPauseMs = RETRY_PAUSE_MS * (0.5 + Math.random());
      if (left === 0 || performance.now() + retryPauseMs >= deadlineMs) {
        pause(origin, exchange.failure!);
        return exchange;
      }
      await sleep(retryPauseMs);
    }
  };
}
