/**
 * The API's side of the jobs: it accepts, finds, lists and cancels them. Only a worker writes the result of a job; the API's
 * role may not.
 *
 * The row of a job and its first delivery are committed before the answer. So an accepted job is always found, whatever
 * the queue does with the delivery. An id that is not found was never accepted, or its job ended four months ago.
 *
 * It may be opened before the worker has created the schema; until then every call rejects with `unavailable`.
 */
import type { Job, JobRequest, JobState } from '../job.ts';

export type NewJob = {
  readonly request: JobRequest;
  /** The caller's subject. */
  readonly subject: string;
  readonly traceparent: string;
};

export type JobRequests = {
  accept(job: NewJob): Promise<Job>;
  /** 'gone' if the job has been deleted; undefined if it never existed, or was deleted more than 90 days ago. */
  find(id: string): Promise<Job | 'gone' | undefined>;
  /** Newest first, without their rejected rows; only jobs with a number below `before`. */
  list(query: { state?: JobState | undefined; before?: number | undefined; limit: number }): Promise<Job[]>;
  /** Whether there was anything to cancel: a queued or active job. */
  cancel(id: string): Promise<boolean>;
  /** Whether the database answers and the schema exists, for readiness. */
  check(): Promise<{ ok: boolean; detail?: string }>;
  close(): Promise<void>;
};
