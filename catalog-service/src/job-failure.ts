/**
 * Why a job fails, and what happens to it then:
 *
 * - refused: by a rule, or because of the feed's content. It would be refused again, so the job has failed.
 * - transient: an upstream that is unavailable, slow or breaks off, or an error of our own. The job is retried after a
 *   delay, and fails after ten failures in a row.
 * - unavailable: our own store does not answer. The job waits as long as that takes; this is no failure of the job.
 */
import { Problem } from '@micromart/http/problem';
import { toStorable } from '@micromart/text/storable';
import { type JobError, MAX_CLAIMS_WITHOUT_PROGRESS, MAX_FAILURES, retryDelayS } from './job.ts';

export type Failure = { readonly kind: 'refused' | 'transient' | 'unavailable'; readonly error: JobError };

export type FeedFault =
  | 'address-refused'
  | 'upstream-away'
  | 'upstream-too-slow'
  | 'upstream-refused'
  | 'feed-unreadable'
  | 'feed-too-large';

/** What is wrong with a feed, or with the host that serves it. The client that ordered the import reads `detail`. */
export class FeedError extends Error {
  override name = 'FeedError';
  readonly fault: FeedFault;

  constructor(fault: FeedFault, detail: string) {
    super(detail);
    this.fault = fault;
  }
}

/** `isUnavailable` recognises the store's errors. */
export function failureOf(error: unknown, isUnavailable: (error: unknown) => boolean): Failure {
  if (isUnavailable(error) || (error instanceof Problem && error.code === 'unavailable')) {
    return {
      kind: 'unavailable',
      error: { code: 'unavailable', detail: 'The store does not answer; the job waits.' },
    };
  }
  if (error instanceof Problem)
    return { kind: 'refused', error: { code: error.code, detail: toDetail(error.message) } };
  if (error instanceof FeedError) {
    const { fault, message } = error;
    return {
      kind: fault === 'upstream-away' ? 'transient' : 'refused',
      error: { code: fault, detail: toDetail(message) },
    };
  }
  return { kind: 'transient', error: { code: 'internal', detail: 'Something went wrong on our side.' } };
}

const MAX_DETAIL_LENGTH = 500;

/** The message may contain text from outside. */
const toDetail = (message: string): string => toStorable(message, MAX_DETAIL_LENGTH);

const UNAVAILABLE_DELAY_S = 5;

export type RetryDecision =
  | { readonly state: 'failed'; readonly error: JobError }
  | {
      readonly delayS: number;
      /** Failures in a row, including this one, if it counts as one. */
      readonly failures?: number;
      readonly error: JobError;
    };

/**
 * Decides what happens to a job after a failure. `failures` is the number in a row before this one; `chance` is from 0
 * to 1.
 */
export function retryPolicy({ kind, error }: Failure, failures: number, chance: number): RetryDecision {
  if (kind === 'refused') return { state: 'failed', error };
  if (kind === 'unavailable') return { delayS: UNAVAILABLE_DELAY_S * (1 + chance), error };
  if (failures + 1 < MAX_FAILURES) {
    return { delayS: retryDelayS(failures + 1, chance), failures: failures + 1, error };
  }
  return {
    state: 'failed',
    error: { ...error, detail: `${error.detail} Given up after ${MAX_FAILURES} failures in a row.` },
  };
}

/**
 * Why a job does not start again: too many workers in a row ended while they ran it, without progress. Undefined if it may
 * start.
 */
export const exhausted = (claimsWithoutProgress: number): JobError | undefined =>
  claimsWithoutProgress > MAX_CLAIMS_WITHOUT_PROGRESS
    ? {
        code: 'no-progress',
        detail: `${MAX_CLAIMS_WITHOUT_PROGRESS} workers in a row ended while they ran it, without progress.`,
      }
    : undefined;
