/**
 * Carries out an import: chunk by chunk, each read, then written, then recorded. Whoever takes the job over goes on
 * behind the last chunk that was recorded. The one that was under way is carried out again, and comes to the same: its
 * products remember that these very rows were decided on them.
 *
 * A file that has changed meanwhile is read from its start, its rows numbered above all before; that is recorded before
 * the first of them is written, or they could be taken for those of the file before.
 */
import type { Place } from '@micromart/shared/event-log/position';
import { advance, beginReading, type ChunkOutcome, type ImportProgress, type RejectedRow } from '../job.ts';
import type { Claim, JobLedger } from '../jobs/postgres-ledger.ts';
import { Interruption } from '../jobs/watch-claim.ts';
import { decideOrder, type Result } from '../product.ts';
import type { CatalogWriter } from '../store/store.ts';
import type { Asking } from './ask.ts';
import type { Pace } from './pace.ts';
import { type Feed, type FeedChunk, type FeedRow, openFeed } from './read-feed.ts';

export type ImportWork = {
  readonly store: Pick<CatalogWriter, 'log' | 'products'>;
  readonly ledger: Pick<JobLedger, 'record'>;
  readonly asking: Omit<Asking, 'signal' | 'waitedBeforeMs'>;
  /** By which chunks are written. */
  readonly pace: Pace;
  readonly now: () => Date;
  readonly onChunk: (outcome: ChunkOutcome) => void;
};

/**
 * Reads the feed to its end; gives the progress there. Throws FeedError, the store's errors, or an Interruption: the
 * signal's reason, or that the claim is lost.
 */
export async function importFeed(
  url: string,
  claim: Claim,
  { store, ledger, asking, pace, now, onChunk }: ImportWork,
  signal: AbortSignal,
): Promise<ImportProgress> {
  const record = async (progress: ImportProgress, rejected: readonly RejectedRow[], isFurther: boolean) => {
    if (!(await ledger.record(claim, progress, { rejected, isFurther }))) throw new Interruption('lost');
  };
  const write = async (chunk: FeedChunk, before: ImportProgress): Promise<ImportProgress> => {
    signal.throwIfAborted();
    const outcome = await writeChunk(store, claim, { rows: chunk.rows, baseRow: before.baseRow }, now());
    const after = advance(before, chunk, outcome);
    await record(after, outcome.rejected, after.furthestRows > before.furthestRows);
    onChunk(outcome);
    return after;
  };

  let feed: Feed | undefined;
  try {
    const waitedBeforeMs = claim.progress?.waitedMs ?? 0;
    feed = await openFeed(url, claim.progress?.mark, { ...asking, signal, waitedBeforeMs });
    let progress = claim.progress;
    if (!progress || !feed.isContinued) {
      progress = beginReading(progress, feed.mark, feed.totalBytes);
      await record(progress, [], false);
    }
    for await (const chunk of feed.chunks) {
      const before: ImportProgress = progress;
      progress = await pace(() => write(chunk, before));
    }
    return progress;
  } finally {
    feed?.close();
  }
}

/** Writes the products of a chunk together. Of several rows about one product the last is meant. */
async function writeChunk(
  { log, products }: ImportWork['store'],
  { number, traceparent }: Claim,
  { rows, baseRow }: { rows: readonly FeedRow[]; baseRow: number },
  now: Date,
): Promise<ChunkOutcome> {
  const given = rows.filter((row) => 'product' in row);
  const meant = [...new Map(given.map((row) => [row.product.id, row])).values()];
  const settled = await Promise.allSettled(
    meant.map(({ row, product: { id, ...content } }) => {
      const origin = { job: number, row: baseRow + row };
      const decide = decideOrder(log.name, id, { kind: 'put', content }, origin, now);
      return products.change(id, decide, { traceparent: traceparent ?? undefined });
    }),
  );
  const tally: Record<Result, number> = { applied: 0, unchanged: 0, superseded: given.length - meant.length };
  const places: Place[] = [];
  for (const outcome of settled) {
    if (outcome.status === 'rejected') throw outcome.reason;
    const { answer, position } = outcome.value;
    tally[answer] += 1;
    if (position) places.push(position);
  }
  return { tally, places, rejected: rows.filter((row) => 'message' in row) };
}
