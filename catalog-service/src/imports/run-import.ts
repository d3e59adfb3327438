import type { RunJob } from '../jobs/job-handler.ts';
import type { JobRepository } from '../jobs/job-repository.ts';
import { watchClaim } from '../jobs/watch-claim.ts';
import { type ImportWork, importFeed } from './import-feed.ts';

/** Runs imports until they are cancelled or given to another worker, or `ending` aborts. */
export const createRunImport =
  (
    work: ImportWork,
    {
      jobRepository,
      ...watching
    }: {
      jobRepository: Pick<JobRepository, 'statusOf'>;
      ending: AbortSignal;
      onError: (error: unknown) => void;
    },
  ): RunJob =>
  async (claim, taken) => {
    if (claim.request.kind !== 'import') throw new Error('a single change was sent to the queue of imports');
    const watch = watchClaim(jobRepository, claim, { taken, ...watching });
    try {
      await importFeed(claim.request.url, claim, work, watch.signal);
      return { state: 'done' };
    } finally {
      watch.close();
    }
  };
