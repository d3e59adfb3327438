import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from './http-client.ts';
import { describe, type Verdict } from './verdict.ts';

/**
 * Repeats a request until an answer is accepted. After a failed connection, or an answer that `classify` wants to retry, it
 * pauses: as long as Retry-After says, or twice as long as before. So a service may be killed and come back meanwhile. Only
 * for requests that may be repeated: reads, and writes with an Idempotency-Key.
 */

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
const LONGEST_RETRY_AFTER_MS = 30_000;

export type Attempts = {
  /** Names the request in errors. */
  readonly name: string;
  readonly send: () => Promise<Answer>;
  readonly classify: (answer: Answer) => Verdict;
  /** How long to retry. */
  readonly capMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called before each repeat, with the reason. */
  readonly onRetry?: ((why: string) => void) | undefined;
};

/** Resolves with the first accepted answer; rejects if one is refused, or none was accepted within `capMs`. */
export async function ask({ name, send, classify, capMs, signal, onRetry }: Attempts): Promise<Answer> {
  const giveUpAt = Date.now() + capMs;
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    const { answer, error } = await send().then(
      (answer) => ({ answer, error: undefined }),
      (error: Error) => ({ answer: undefined, error }),
    );
    const verdict = answer ? classify(answer) : 'retry';
    if (answer && verdict === 'accept') return answer;

    const why = answer ? describe(answer) : error.message;
    if (verdict === 'refuse') throw new Error(`${name} was refused: ${why}`);
    const afterMs = pauseMs(answer?.headers['retry-after'], attempt);
    if (Date.now() + afterMs > giveUpAt)
      throw new Error(`${name} had no success within ${capMs / 1000} s; at last: ${why}`);
    onRetry?.(why);
    await sleep(afterMs, undefined, signal && { signal });
  }
}

/**
 * The pause after attempt number `attempt` (from 0): what Retry-After says, in seconds or as a date (RFC 9110, 10.2.3), but at
 * least from 50 ms doubling to 2 s, less up to half of it at random.
 */
function pauseMs(retryAfter: string | undefined, attempt: number): number {
  const ownMs = Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
  if (retryAfter === undefined) return ownMs;
  const askedMs = /^[0-9]+$/.test(retryAfter)
    ? Number(retryAfter) * 1000
    : Date.parse(retryAfter) - Date.now();
  return Number.isNaN(askedMs) ? ownMs : Math.min(Math.max(askedMs, ownMs), LONGEST_RETRY_AFTER_MS);
}
