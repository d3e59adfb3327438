import type { Claim, JobRepository } from './job-repository.ts';

/** Why work on a job stops early: it was cancelled, another worker has it, or this worker is ending. */
export class Interruption extends Error {
  override name = 'Interruption';
  readonly why: 'cancelled' | 'lost' | 'ending';

  constructor(why: Interruption['why']) {
    super(`work on a job was interrupted: ${why}`);
    this.why = why;
  }
}

const CHECK_INTERVAL_MS = 400;

export type Watch = {
  /** Aborts with an Interruption as its reason. */
  readonly signal: AbortSignal;
  close(): void;
};

/**
 * Checks a claim at intervals while its job waits for the upstream. It holds a connection only during each check. `taken`
 * aborts when the queue has given the job to another worker, `ending` when this worker ends.
 */
export function watchClaim(
  jobRepository: Pick<JobRepository, 'statusOf'>,
  claim: Claim,
  { taken, ending, onError }: { taken: AbortSignal; ending: AbortSignal; onError: (error: unknown) => void },
): Watch {
  const controller = new AbortController();
  const interrupt = (why: Interruption['why']) => controller.abort(new Interruption(why));
  const onTaken = () => interrupt('lost');
  const onEnding = () => interrupt('ending');
  if (ending.aborted) onEnding();
  ending.addEventListener('abort', onEnding);
  taken.addEventListener('abort', onTaken);

  let timer: NodeJS.Timeout;
  const check = async () => {
    try {
      const status = await jobRepository.statusOf(claim);
      if (status !== 'held') interrupt(status);
    } catch (error) {
      // A repository that does not answer says nothing about the claim.
      onError(error);
    }
    if (!closed) schedule();
  };
  const schedule = () => {
    timer = setTimeout(() => void check(), CHECK_INTERVAL_MS);
  };
  let closed = false;
  schedule();

  return {
    signal: controller.signal,
    close() {
      closed = true;
      clearTimeout(timer);
      ending.removeEventListener('abort', onEnding);
      taken.removeEventListener('abort', onTaken);
    },
  };
}
