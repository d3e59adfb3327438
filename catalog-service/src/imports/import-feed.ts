/**
 * Runs an import in chunks; each is read, then written, then recorded. A worker that takes the job over continues after
 * the last recorded chunk. It repeats the chunk that was in progress, with the same result, because the products store that
 * these very rows were decided on them.
 *
 * A file that has changed since is read from its start, and its rows get higher numbers than all before. That is recorded
 * before the first of them is written, or they could be mistaken for rows of the old file.
 *
 * Rows about products that the feed names more than once are held back, and written when the whole feed has been read.
 */
import {
  advance,
  beginReading,
  type ChunkOutcome,
  type HeldRow,
  type ImportProgress,
  withOutcome,
} from '../job.ts';
import { FeedError } from '../job-failure.ts';
import type { Claim, JobRepository, Recorded } from '../jobs/job-repository.ts';
import { Interruption } from '../jobs/watch-claim.ts';
import type { Pace } from './pace.ts';
import { type FeedChunk, openFeed } from './read-feed.ts';
import type { FeedRequestOptions } from './request-feed.ts';
import { type Writing, writeChunk, writeHeld } from './write-rows.ts';

export type ImportWork = {
  readonly store: Writing['store'];
  readonly jobRepository: Pick<JobRepository, 'record' | 'held'>;
  readonly requestOptions: Omit<FeedRequestOptions, 'signal' | 'waitedBeforeMs'>;
  /** Limits how fast chunks are written. */
  readonly pace: Pace;
  readonly now: () => Date;
  readonly onChunk: (outcome: ChunkOutcome) => void;
};

/**
 * Reads the feed to its end, and writes the held rows; returns the progress there. Throws FeedError, the store's errors, or
 * an Interruption: the signal's reason, or that the claim is lost.
 */
export async function importFeed(
  url: string,
  claim: Claim,
  { store, jobRepository, requestOptions, pace, now, onChunk }: ImportWork,
  signal: AbortSignal,
): Promise<ImportProgress> {
  const record = async (progress: ImportProgress, recorded: Recorded) => {
    if (!(await jobRepository.record(claim, progress, recorded))) throw new Interruption('lost');
  };
  const writing = ({ baseRow }: ImportProgress): Writing => {
    signal.throwIfAborted();
    return { store, job: claim.number, traceparent: claim.traceparent ?? undefined, baseRow, now: now() };
  };

  const write = async (chunk: FeedChunk, before: ImportProgress): Promise<ImportProgress> => {
    const { outcome, held } = await writeChunk(chunk.rows, writing(before));
    const after = advance(before, chunk, outcome);
    const isFurther = after.furthestRows > before.furthestRows;
    await record(after, { rejected: outcome.rejected, isFurther, held });
    onChunk(outcome);
    return after;
  };

  const writeSomeHeld = async (held: readonly HeldRow[], before: ImportProgress): Promise<ImportProgress> => {
    const outcome = await writeHeld(held, writing(before));
    const after = withOutcome(before, outcome);
    await record(after, { rejected: [], isFurther: true, released: held.map(({ productId }) => productId) });
    onChunk(outcome);
    return after;
  };

  async function finish(read: ImportProgress): Promise<ImportProgress> {
    let progress = read;
    for (;;) {
      const held = await jobRepository.held(claim, requestOptions.limits.chunkRows);
      if (held.length === 0) return progress;
      const before = progress;
      progress = await pace(() => writeSomeHeld(held, before));
    }
  }

  async function read(): Promise<ImportProgress> {
    const waitedBeforeMs = claim.progress?.waitedMs ?? 0;
    const feed = await openFeed(url, claim.progress?.mark, { ...requestOptions, signal, waitedBeforeMs });
    let progress = claim.progress;
    try {
      if (!progress || !feed.isContinued) {
        progress = beginReading(progress, feed.mark, feed.totalBytes);
        await record(progress, { rejected: [], isFurther: false, released: 'all' });
      }
      for await (const chunk of feed.chunks) {
        const before: ImportProgress = progress;
        progress = await pace(() => write(chunk, before));
      }
      return progress;
    } catch (error) {
      // All that can be read of it has been read, so write the held rows.
      if (progress && error instanceof FeedError && error.fault !== 'upstream-away') await finish(progress);
      throw error;
    } finally {
      feed.close();
    }
  }

  const isRead = claim.progress !== null && claim.progress.totalRows !== null;
  return finish(isRead ? claim.progress : await read());
}
