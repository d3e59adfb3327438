/**
 * A job: a change of the catalog that is accepted now and executed later. This file has its data and its rules; jobs/ stores
 * it.
 */
import type { LogPosition } from '@micromart/events/position';
import type { FeedMark } from './feed.ts';
import type { OrderConditions, ProductContent, Result } from './product.ts';

export type JobRequest =
  | ({
      readonly kind: 'put';
      readonly productId: string;
      readonly content: ProductContent;
    } & OrderConditions)
  | ({ readonly kind: 'withdraw'; readonly productId: string } & OrderConditions)
  | { readonly kind: 'import'; readonly url: string };

/** Imports wait for their upstreams, so they have a queue of their own, and no change waits behind one. */
export const queueOf = ({ kind }: JobRequest): 'changes' | 'imports' =>
  kind === 'import' ? 'imports' : 'changes';

export const JOB_STATES = ['queued', 'active', 'done', 'failed', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];
export type FinalState = Exclude<JobState, 'queued' | 'active'>;

export const isFinal = (state: JobState): state is FinalState => state !== 'queued' && state !== 'active';

/** How many products of an import had each result. */
export type Tally = Readonly<Record<Result, number>>;

export type RejectedRow = { readonly row: number; readonly message: string };

/** Why a job failed, or why it waits: a code for programs and a sentence for people. */
export type JobError = { readonly code: string; readonly detail: string };

/** How far an import has come; written with each chunk. Another worker continues from it. */
export type ImportProgress = {
  readonly mark: FeedMark;
  /**
   * Added to the file's line numbers, where a product stores the row that was decided on it. A changed file is read again from
   * its start, and its rows come after all rows of the old one.
   */
  readonly baseRow: number;
  /** Products read. */
  readonly rows: number;
  /** The most products that any reading of the file reached. */
  readonly furthestRows: number;
  /** The number of products in the file, known at the end. */
  readonly totalRows: number | null;
  readonly bytes: number;
  readonly totalBytes: number | null;
  /** Milliseconds that all attempts have waited for the host; absent in older progress. */
  readonly waitedMs?: number;
  readonly tally: Tally;
  readonly rejected: number;
  /** Products that the file names more than once; absent in older progress. */
  readonly repeated?: number;
  /** The last position of the products written, for each partition. */
  readonly places: readonly LogPosition[];
};

/** No file may have more lines. */
export const MAX_LINES = 2_000_000;

/** Starts to read a file; if another was read before, after all of its rows. */
export const beginReading = (
  before: ImportProgress | null,
  mark: FeedMark,
  totalBytes: number | null,
): ImportProgress => ({
  mark,
  baseRow: before ? before.baseRow + MAX_LINES : 0,
  rows: 0,
  furthestRows: before?.furthestRows ?? 0,
  totalRows: null,
  bytes: 0,
  totalBytes,
  waitedMs: before?.waitedMs ?? 0,
  tally: { applied: 0, unchanged: 0, superseded: 0 },
  rejected: 0,
  repeated: 0,
  places: before?.places ?? [],
});

/** What a chunk adds to the progress. */
export type ChunkRead = {
  readonly mark: FeedMark;
  readonly bytes: number;
  readonly isLast: boolean;
  /** Milliseconds waited for the host since the chunk before. */
  readonly waitedMs: number;
};

/** A row that is held until the feed has been read, in place of `times - 1` others about its product. */
export type HeldRow = {
  readonly productId: string;
  /** Its line in the file, from 1. */
  readonly row: number;
  readonly times: number;
  /** Whether the product has been counted as repeated. */
  readonly isCounted: boolean;
  readonly content: ProductContent;
};

/** The result of a chunk, or of some held rows. */
export type ChunkOutcome = {
  /** Rows read. */
  readonly rows: number;
  /** Products that the file turned out to name more than once. */
  readonly repeated: number;
  readonly tally: Tally;
  readonly rejected: readonly RejectedRow[];
  /** Positions of the products written, in any order. */
  readonly places: readonly LogPosition[];
};

/** The progress after one more chunk. */
export function advance(before: ImportProgress, chunk: ChunkRead, outcome: ChunkOutcome): ImportProgress {
  const after = withOutcome(before, outcome);
  return {
    ...after,
    mark: chunk.mark,
    furthestRows: Math.max(before.furthestRows, after.rows),
    totalRows: chunk.isLast ? after.rows : null,
    bytes: chunk.bytes,
    waitedMs: (before.waitedMs ?? 0) + chunk.waitedMs,
  };
}

/** The progress after one more outcome; the reading position stays. */
export function withOutcome(before: ImportProgress, outcome: ChunkOutcome): ImportProgress {
  const sum = (result: Result) => before.tally[result] + outcome.tally[result];
  return {
    ...before,
    rows: before.rows + outcome.rows,
    tally: { applied: sum('applied'), unchanged: sum('unchanged'), superseded: sum('superseded') },
    rejected: before.rejected + outcome.rejected.length,
    repeated: (before.repeated ?? 0) + outcome.repeated,
    places: latestPlaces([...before.places, ...outcome.places]),
  };
}

/** The last position in each partition, in the order of the partitions. */
function latestPlaces(places: readonly LogPosition[]): LogPosition[] {
  const latest = new Map<number, LogPosition>();
  for (const place of places) {
    if (place.sequence >= (latest.get(place.partition)?.sequence ?? 0)) latest.set(place.partition, place);
  }
  return [...latest.values()].sort((one, other) => one.partition - other.partition);
}

export type Job = {
  readonly id: string;
  /** Its number in the order of acceptance. */
  readonly number: number;
  readonly request: JobRequest;
  readonly state: JobState;
  /** How often a worker has started or continued it. */
  readonly attempts: number;
  readonly cancelRequested: boolean;
  readonly acceptedAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly progress: ImportProgress | null;
  readonly rejectedRows: readonly RejectedRow[];
  /** For a single change; the result of an import is in its progress, and so is its position. */
  readonly result: Result | null;
  readonly position: string | null;
  readonly error: JobError | null;
};

/** The first 1000 rejected rows of an import are stored; all are counted. */
export const MAX_REJECTED_ROWS = 1_000;

/** After this many failures in a row, without a chunk in between, a job is given up. */
export const MAX_FAILURES = 10;
/**
 * After this many workers in a row that ended while they ran a job, without progress, it is given up, because it may be
 * what ends them.
 */
export const MAX_CLAIMS_WITHOUT_PROGRESS = 10;

const FIRST_DELAY_S = 1;
const MAX_DELAY_S = 300;

/**
 * The pause after the `failures`th failure in a row, in seconds. It doubles, up to five minutes. The second half of each
 * pause is random (`chance` from 0 to 1), so that jobs that failed together do not return together.
 */
export function retryDelayS(failures: number, chance: number): number {
  const full = Math.min(FIRST_DELAY_S * 2 ** (failures - 1), MAX_DELAY_S);
  return full / 2 + (full / 2) * chance;
}
