import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@micromart/process/logger';
import { pauseMs } from '@micromart/subscription/retry-forever';
import { describeFailure } from './failure.ts';
import type { KafkaTopic } from './url.ts';

/** An attempt that has worked this long has recovered: a later failure counts as the first one. */
const STEADY_MS = 10_000;
/** Shorter than other pauses, because the client itself retries for some seconds before it gives up. */
const LONGEST_PAUSE_MS = 2_000;

export type KeepTrying = {
  readonly topic: KafkaTopic;
  /** What is being attempted, as in "not publishing: no broker answers". */
  readonly doing: string;
  /** Why the attempt fails now, as one line without secrets; undefined as soon as it works again. */
  onState(failure: string | undefined): void;
  readonly logger: Logger;
};

/**
 * Runs an endless attempt with Kafka until the signal is aborted, and starts it again after each failure, with growing pauses.
 * The attempt calls `onSuccess` when it works. Each new failure is logged in one line once it has failed twice, because a
 * first failure is often a broker that has just started.
 */
export async function keepTrying(
  attempt: (onSuccess: () => void) => Promise<void>,
  { topic, doing, onState, logger }: KeepTrying,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  let logged: string | undefined;
  while (!signal.aborted) {
    let workingSince: number | undefined;
    const onSuccess = () => {
      if (workingSince === undefined) onState(undefined);
      workingSince ??= performance.now();
    };
    try {
      await attempt(onSuccess);
    } catch (error) {
      if (signal.aborted) return;
      if (workingSince !== undefined && performance.now() - workingSince > STEADY_MS) {
        failures = 0;
        logged = undefined;
      }
      failures += 1;
      const failure = describeFailure(error, topic);
      onState(failure);
      if (failures > 1 && failure !== logged) {
        logger.warn(`not ${doing}: ${failure}; retrying`);
        logged = failure;
      }
      await sleep(Math.min(pauseMs(failures), LONGEST_PAUSE_MS), undefined, { signal }).catch(() => {});
    }
  }
}
