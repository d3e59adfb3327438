/**
 * The worker's side of the jobs. A worker that gets a delivery claims the job. Each claim has a number, and every write
 * compares it, so only the newest claim can write. A worker that was frozen or cut off while another took the job over can
 * neither advance the job nor end it. What it still writes to products is refused there, by the order of jobs.
 *
 * A delivery stands for one job, and a job that is to be delivered again gets a new delivery. An older delivery of the
 * same job finds nothing.
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
  /** Of a single change, as is the position. */
  readonly result?: Result | undefined;
  readonly position?: string | undefined;
  readonly error?: JobError | undefined;
};

export type Postponement = {
  readonly delayS: number;
  /** Failures in a row; left as they are when undefined. */
  readonly failures?: number | undefined;
  readonly error: JobError | null;
};

/** What is recorded with an import's progress. */
export type Recorded = {
  readonly rejected: readonly RejectedRow[];
  readonly isFurther: boolean;
  /** Rows to hold back, each replacing the held row of its product. */
  readonly held?: readonly HeldRow[];
  /** Products whose held rows are deleted; 'all' when the file is read anew. */
  readonly released?: readonly string[] | 'all';
};

export type JobRepository = {
  /** Claims the jobs of these deliveries. Leaves out jobs that have ended, and deliveries that were replaced. */
  claim(deliveries: readonly string[]): Promise<Claim[]>;
  /** `lost` when there is a newer claim; `cancelled` when the job is to be cancelled. */
  statusOf(claim: Claim): Promise<'held' | 'cancelled' | 'lost'>;
  /** Failures in a row since the job last made progress. */
  failures(claim: Claim): Promise<number>;
  /**
   * Writes an import's progress; false when the claim is lost. `isFurther` resets the failures and the claims without
   * progress.
   */
  record(claim: Claim, progress: ImportProgress, written: Recorded): Promise<boolean>;
  /** The first rows that the import holds back, in the order of the file. */
  held(claim: Claim, limit: number): Promise<HeldRow[]>;
  /** Ends jobs, and returns those it ended; skips jobs whose claim is lost. */
  end(endings: readonly Ending[]): Promise<Ending[]>;
  /** Puts a job back in the queue, to be delivered after a delay. */
  postpone(claim: Claim, postponement: Postponement): Promise<void>;
  /** Gives a new delivery to jobs whose own the queue has lost; returns their number. */
  redeliver(limit: number): Promise<number>;
  /** Delete jobs 30 days after their end, and their ids 90 days later. */
  readonly sweeps: readonly Sweep[];
  /** Numbers of queued and active jobs. */
  waiting(): Promise<{ kind: JobRequest['kind']; state: JobState; jobs: number }[]>;
  check(): Promise<{ ok: boolean; detail?: string }>;
  close(): Promise<void>;
};
