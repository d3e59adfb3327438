/**
 * Sends requests to origins. One that cannot be reached, or answers 502, 503 or 504, gets no requests for a pause, so that
 * they do not overload it while it comes back. Requests during the pause fail at once. The pause is a fixed second and not
 * a circuit breaker: it needs no probes, and a recovered origin is found within a second.
 *
 * A late or incomplete answer says nothing about the next one. Only several in a row, without a good one between them,
 * start a pause.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpRequest } from '@micromart/http/client/http-client';
import type { HttpAnswer, Send } from '@micromart/http/client/send';

export type OriginLimits = {
  /** For the whole answer, including retries and the pauses between them. */
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
  /** At most this many, when there is no stored answer to use instead. */
  readonly attempts: number;
  readonly pauseMs: number;
};

export type OriginResult =
  | {
      readonly answer: HttpAnswer;
      /** When the request was sent, and when its answer had arrived. */
      readonly requestedMs: number;
      readonly receivedMs: number;
      /** Why a stored answer may replace this one, which is an error of the origin. */
      readonly failure?: string | undefined;
    }
  | { readonly answer?: undefined; readonly failure: string };

export type AskOrigin = (request: HttpRequest, options: { attempts: number }) => Promise<OriginResult>;

/** What one request shows about its origin. `late`, or cut short, says nothing about other requests. */
type OriginState = 'reachable' | 'unavailable' | 'late';

/** The errors that a stored answer may replace (RFC 5861, section 4); all but 500 say that the origin is unavailable. */
const ERRORS = [500, 502, 503, 504];
const UNAVAILABLE = [502, 503, 504];
/** No connection could be opened. */
const UNREACHABLE = ['ECONNREFUSED', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'];
/** After this many late or incomplete answers in a row an origin counts as unavailable. */
export const LATE_IN_A_ROW = 5;
const RETRY_PAUSE_MS = 100;
const MAX_ORIGINS = 100;

/** `onRequest` is called for each request that is sent. */
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
  /** Origins whose last request failed: how many failed in a row, and until when the pause lasts. */
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
