/**
 * The API's side of the jobs: it accepts, finds, lists and cancels them. Only a worker writes what becomes of a job; the
 * API's role may not.
 *
 * The row of a job and its first delivery are committed before the answer. So an accepted job is always found, whatever
 * the queue does with the delivery. An id that is not found was never accepted, or its job ended four months ago.
 *
 * It may be opened before the worker has made the schema; until then every call rejects with `unavailable`.
 */
import type { Job, JobRequest, JobState } from '../job.ts';

export type NewJob = {
  readonly request: JobRequest;
  /** Who asked for it. */
  readonly subject: string;
  readonly traceparent: string;
};

export type JobRequests = {
  accept(job: NewJob): Promise<Job>;
  /** 'gone' when it is kept no longer; undefined when there never was such a job, or it has been gone for 90 days. */
  find(id: string): Promise<Job | 'gone' | undefined>;
  /** Newest first, without their rejected rows; those whose number is below `before`. */
  list(query: { state?: JobState | undefined; before?: number | undefined; limit: number }): Promise<Job[]>;
  /** Whether there was anything to cancel: a job that is queued or active. */
  cancel(id: string): Promise<boolean>;
  /** Whether the database answers and the schema is there, for readiness. */
  check(): Promise<{ ok: boolean; detail?: string }>;
  close(): Promise<void>;
};
