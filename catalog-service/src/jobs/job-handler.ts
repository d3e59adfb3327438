/**
 * Handles a worker's deliveries: claims their jobs, runs them, and ends them or puts them back. A job's own failure never
 * fails its delivery, because the job's row says what happens next. Only if that row cannot be written does the delivery
 * stay in the queue, to be delivered again.
 */
import type { Logger } from '@micromart/process/logger';
import { exhausted, FeedError, failureOf, retryPolicy } from '../job-failure.ts';
import type { Delivery } from '../queue/pg-boss.ts';
import type { Claim, Ending, JobRepository, Postponement } from './job-repository.ts';
import type { JobMetrics } from './metrics.ts';
import { Interruption } from './watch-claim.ts';

/**
 * Runs a job, and resolves with how it ended. Rejects if it cannot. `taken` aborts when another worker gets the job.
 */
export type RunJob = (claim: Claim, taken: AbortSignal) => Promise<Omit<Ending, 'claim'>>;

export type Handling = {
  readonly jobRepository: Pick<JobRepository, 'claim' | 'failures' | 'end' | 'postpone'>;
  readonly metrics: Pick<JobMetrics, 'ended' | 'takenOver' | 'upstreamFailed'>;
  readonly logger: Logger;
  /** Whether an error says that the store is unavailable. */
  readonly isUnavailable: (error: unknown) => boolean;
  /** From 0 to 1. */
  readonly chance: () => number;
};

/** The result of one job; undefined when another worker has it. */
type Conclusion = Omit<Ending, 'claim'> | Postponement | undefined;

export function createJobHandler(
  { jobRepository, metrics, logger, isUnavailable, chance }: Handling,
  runJob: RunJob,
): (deliveries: readonly Delivery[]) => Promise<void> {
  async function conclude(claim: Claim, taken: AbortSignal): Promise<Conclusion> {
    if (claim.isTakenOver) metrics.takenOver(claim.request.kind);
    if (claim.cancelRequested) return { state: 'cancelled' };
    const error = exhausted(claim.claimsWithoutProgress);
    if (error) return { state: 'failed', error };
    try {
      return await runJob(claim, taken);
    } catch (thrown) {
      return await afterError(claim, thrown);
    }
  }

  async function afterError(claim: Claim, thrown: unknown): Promise<Conclusion> {
    if (thrown instanceof Interruption) {
      if (thrown.why === 'cancelled') return { state: 'cancelled' };
      return thrown.why === 'ending' ? { delayS: 0, error: null } : undefined;
    }
    if (thrown instanceof FeedError) metrics.upstreamFailed(thrown.fault);
    const failure = failureOf(thrown, isUnavailable);
    if (failure.error.code === 'internal') logger.error({ err: thrown, job: claim.number }, 'a job failed');
    return retryPolicy(failure, await jobRepository.failures(claim), chance());
  }

  return async (deliveries) => {
    const signals = new Map(deliveries.map(({ id, signal }) => [id, signal]));
    const claims = await jobRepository.claim([...signals.keys()]);
    const concluded = await Promise.all(
      claims.map(async (claim) => ({ claim, ...(await conclude(claim, signals.get(claim.delivery)!)) })),
    );
    const endings = concluded.filter((one): one is Ending => 'state' in one);
    for (const { claim, state } of await jobRepository.end(endings)) metrics.ended(claim.request.kind, state);
    for (const one of concluded) if ('delayS' in one) await jobRepository.postpone(one.claim, one);
  };
}
