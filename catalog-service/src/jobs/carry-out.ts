/**
 * What happens to the deliveries that a worker is brought: their jobs are claimed, carried out, and ended or put back.
 * A job's own failure never fails its delivery: what is to become of it stands in its row. Only where that row cannot be
 * written is the delivery left to be brought again.
 */
import type { Logger } from '@micromart/process/logger';
import { FeedError, hopeless, judge, setbackOf } from '../job-failure.ts';
import type { Delivery } from '../queue/pg-boss.ts';
import type { JobMetrics } from './metrics.ts';
import type { Claim, Ending, JobLedger, Postponement } from './postgres-job-repository.ts';
import { Interruption } from './watch-claim.ts';

/** Throws what keeps the job from being carried out; `taken` fires when it has been given to another worker. */
export type CarryOut = (claim: Claim, taken: AbortSignal) => Promise<Omit<Ending, 'claim'>>;

export type Handling = {
  readonly ledger: Pick<JobLedger, 'claim' | 'failures' | 'end' | 'postpone'>;
  readonly metrics: Pick<JobMetrics, 'ended' | 'takenOver' | 'upstreamFailed'>;
  readonly logger: Logger;
  /** Whether an error says that the store is away. */
  readonly isAway: (error: unknown) => boolean;
  /** From 0 to 1. */
  readonly chance: () => number;
};

/** What one job came to; nothing where another worker has it. */
type Conclusion = Omit<Ending, 'claim'> | Postponement | undefined;

export function createHandler(
  { ledger, metrics, logger, isAway, chance }: Handling,
  carryOut: CarryOut,
): (deliveries: readonly Delivery[]) => Promise<void> {
  async function conclude(claim: Claim, taken: AbortSignal): Promise<Conclusion> {
    if (claim.isTakenOver) metrics.takenOver(claim.request.kind);
    if (claim.cancelRequested) return { state: 'cancelled' };
    const error = hopeless(claim.fruitlessClaims);
    if (error) return { state: 'failed', error };
    try {
      return await carryOut(claim, taken);
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
    const setback = setbackOf(thrown, isAway);
    if (setback.error.code === 'internal') logger.error({ err: thrown, job: claim.number }, 'a job failed');
    return judge(setback, await ledger.failures(claim), chance());
  }

  return async (deliveries) => {
    const signals = new Map(deliveries.map(({ id, signal }) => [id, signal]));
    const claims = await ledger.claim([...signals.keys()]);
    const concluded = await Promise.all(
      claims.map(async (claim) => ({ claim, ...(await conclude(claim, signals.get(claim.delivery)!)) })),
    );
    const endings = concluded.filter((one): one is Ending => 'state' in one);
    for (const { claim, state } of await ledger.end(endings)) metrics.ended(claim.request.kind, state);
    for (const one of concluded) if ('delayS' in one) await ledger.postpone(one.claim, one);
  };
}
