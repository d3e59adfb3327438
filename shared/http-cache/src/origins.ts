/**
 * Asking origins. One that cannot be reached, or says that it is away (502, 503, 504), is left alone for a pause, so that it
 * is not asked by everybody while it comes back; whoever asks meanwhile is told at once. The pause is a second instead of
 * a breaker: nothing has to be closed again, and a returned origin is found within a second.
 *
 * An answer that comes too late, or not whole, says nothing of the others: only several in a row, with none between them
 * that came, make a pause.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpRequest } from '@micromart/http/client/http-client';
import type { HttpAnswer, Send } from '@micromart/http/client/send';

export type OriginLimits = {
  /** For the whole answer, attempts and the time between them included. */
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
  /** At most, where there is nothing to answer with instead. */
  readonly attempts: number;
  readonly pauseMs: number;
};

export type OriginResult =
  | {
      readonly answer: HttpAnswer;
      /** When the request was sent, and when its answer was there. */
      readonly requestedMs: number;
      readonly receivedMs: number;
      /** Why a kept answer may stand in for this one, which is the origin's error. */
      readonly failure?: string | undefined;
    }
  | { readonly answer?: undefined; readonly failure: string };

export type AskOrigin = (request: HttpRequest, options: { attempts: number }) => Promise<OriginResult>;

/** What a request says of its origin: that it is there, that it is away, or neither, for this one came late or cut short. */
type OriginState = 'reachable' | 'unavailable' | 'late';

/** The errors for which a kept answer may stand in (RFC 5861, section 4); all but 500 say that the origin is away. */
const ERRORS = [500, 502, 503, 504];
const UNAVAILABLE = [502, 503, 504];
/** No connection came about. */
const UNREACHABLE = ['ECONNREFUSED', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'];
/** So many requests that were not answered in time, or not whole, make an origin count as away. */
export const LATE_IN_A_ROW = 5;
const RETRY_PAUSE_MS = 100;
const MAX_ORIGINS = 100;

/** `onAsked` is told of every request that is sent. */
export function createOrigins({
  send,
  clock,
  limits,
  onRequest,
}: {
  send: Send;
  clock: () => number;
  limits: OriginLimits;
  onRequest: (outcome: 'answered' | 'failed') => void;
}): AskOrigin {
  /** Of the origins whose last answer failed: how many have in a row, and until when they are left alone. */
  const failures = new Map<string, { inARow: number; untilMs: number; failure: string }>();

  async function attempt(
    request: HttpRequest,
    timeoutMs: number,
  ): Promise<OriginResult & { originState: OriginState }> {
    const requestedMs = clock();
    try {
      const answer = await send(request, { timeoutMs, maxBytes: limits.maxAnswerBytes });
      const failure = ERRORS.includes(answer.status) ? `answered ${answer.status}` : undefined;
      onRequest(failure ? 'failed' : 'answered');
      const originState = UNAVAILABLE.includes(answer.status) ? 'unavailable' : 'reachable';
      return { answer, requestedMs, receivedMs: clock(), failure, originState };
    } catch (error) {
      onRequest('failed');
      const { message, code } = error as NodeJS.ErrnoException;
      return {
        failure: message || code || 'failed',
        originState: UNREACHABLE.includes(code ?? '') ? 'unavailable' : 'late',
      };
    }
  }

  function failed(origin: string, originState: OriginState, failure: string): void {
    const inARow = (failures.get(origin)?.inARow ?? 0) + 1;
    const isUnavailable = originState === 'unavailable' || inARow >= LATE_IN_A_ROW;
    failures.delete(origin);
    if (failures.size >= MAX_ORIGINS) failures.delete(failures.keys().next().value!);
    failures.set(origin, { inARow, untilMs: isUnavailable ? clock() + limits.pauseMs : 0, failure });
  }

  return async (request, { attempts }) => {
    const { origin } = new URL(request.url);
    const lastFailure = failures.get(origin);
    if (lastFailure && clock() < lastFailure.untilMs) return { failure: lastFailure.failure };

    const deadlineMs = performance.now() + limits.timeoutMs;
    for (let left = attempts - 1; ; left -= 1) {
      const result = await attempt(request, Math.max(1, Math.round(deadlineMs - performance.now())));
      if (result.originState === 'reachable') {
        failures.delete(origin);
        return result;
      }
      const retryPauseMs = RETRY_PAUSE_MS * (0.5 + Math.random());
      if (left === 0 || performance.now() + retryPauseMs >= deadlineMs) {
        failed(origin, result.originState, result.failure!);
        return result;
      }
      await sleep(retryPauseMs);
    }
  };
}
