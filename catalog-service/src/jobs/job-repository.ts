/**
 * The worker's side of the jobs. A worker that gets a delivery claims the job. Each claim has a number that every write
 * compares, so only the newest claim can write. If a worker was frozen or cut off and another took over its job, it can
 * neither advance the job nor end it. What it still writes to products is refused there, by the order of jobs.
 *
 * A delivery stands for one job. A job that must be delivered again gets a new delivery; an older delivery of the same job
 * claims nothing.
 */
import type { Sweep } from '@micromart/sweeping/sweeping';
import type {
  FinalState,
  HeldRow,
  ImportProgress,
  JobError,
  JobRequest,
  JobState,
  RejectedRow,
} from '../job.ts';
import type { Result } from '../product.ts';

export type Claim = {
  readonly delivery: string;
  readonly number: number;
  /** Counts the job's claims, from 1. */
  readonly claim: number;
  readonly request: JobRequest;
  readonly traceparent: string | null;
  /** Whether another worker had the job and did not end it. */
  readonly isTakenOver: boolean;
  readonly claimsWithoutProgress: number;
  readonly cancelRequested: boolean;
  readonly progress: ImportProgress | null;
};

export type Ending = {
  readonly claim: Claim;
  readonly state: FinalState;
  /** For a single change, as is the position. */
  readonly result?: Result | undefined;
  readonly position?: string | undefined;
  readonly error?: JobError | undefined;
};

export type Postponement = {
  readonly delayS: number;
  /** Failures in a row; unchanged if undefined. */
  readonly failures?: number | undefined;
  readonly error: JobError | null;
};

/** What is stored with an import's progress. */
export type Recorded = {
  readonly rejected: readonly RejectedRow[];
  readonly isFurther: boolean;
  /** Rows to hold back, each replacing the held row of its product. */
  readonly held?: readonly HeldRow[];
  /** Products whose held rows are deleted; 'all' when the file is read anew. */
  readonly released?: readonly string[] | 'all';
};

export type JobRepository = {
  /** Claims the jobs of these deliveries. Skips jobs that have ended, and deliveries that were replaced. */
  claim(deliveries: readonly string[]): Promise<Claim[]>;
  /** `lost` if there is a newer claim; `cancelled` if the job should be cancelled. */
  statusOf(claim: Claim): Promise<'held' | 'cancelled' | 'lost'>;
  /** Failures in a row since the job last made progress. */
  failures(claim: Claim): Promise<number>;
  /**
   * Writes an import's progress; false if the claim is lost. `isFurther` resets the failures and the claims without progress.
   */
  record(claim: Claim, progress: ImportProgress, written: Recorded): Promise<boolean>;
  /** The first rows that the import holds, in the order of the file. */
  held(claim: Claim, limit: number): Promise<HeldRow[]>;
  /** Ends jobs, and resolves with those it ended; skips jobs whose claim is lost. */
  end(endings: readonly Ending[]): Promise<Ending[]>;
  /** Puts a job back in the queue, to be delivered after a delay. */
  postpone(claim: Claim, postponement: Postponement): Promise<void>;
  /** Gives a new delivery to jobs whose own the queue has lost; resolves with their number. */
  redeliver(limit: number): Promise<number>;
  /** Delete jobs 30 days after their end, and their ids 90 days later. */
  readonly sweeps: readonly Sweep[];
  /** Numbers of queued and active jobs. */
  waiting(): Promise<{ kind: JobRequest['kind']; state: JobState; jobs: number }[]>;
  check(): Promise<{ ok: boolean; detail?: string }>;
  close(): Promise<void>;
};
