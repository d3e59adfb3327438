import type { CarryOut } from '../jobs/carry-out.ts';
import type { JobLedger } from '../jobs/postgres-job-repository.ts';
import { watchClaim } from '../jobs/watch-claim.ts';
import { type ImportWork, importFeed } from './import-feed.ts';

/** Carries out imports, until they are cancelled, given to another worker, or this one is `ending`. */
export const createCarryOutImport =
  (
    work: ImportWork,
    {
      ledger,
      ...watching
    }: { ledger: Pick<JobLedger, 'standing'>; ending: AbortSignal; onError: (error: unknown) => void },
  ): CarryOut =>
  async (claim, taken) => {
    if (claim.request.kind !== 'import') throw new Error('a single change was sent to the queue of imports');
    const watch = watchClaim(ledger, claim, { taken, ...watching });
    try {
      await importFeed(claim.request.url, claim, work, watch.signal);
      return { state: 'done' };
    } finally {
      watch.close();
    }
  };
