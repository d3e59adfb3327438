import type { Logger } from '@micromart/process/logger';
import type { RetryOptions } from '@micromart/process/retry';
import { describeFailure } from './failure.ts';
import type { KafkaTopic } from './url.ts';

/** Shorter than other pauses, because the client itself retries for some seconds before it gives up. */
const LONGEST_PAUSE_MS = 2_000;

export type Retried = {
  readonly topic: KafkaTopic;
  /** What is being attempted, as in "not publishing: no broker answers". */
  readonly doing: string;
  /** Why it fails now, as one line without secrets; undefined as soon as it works again. */
  onState(failure: string | undefined): void;
  readonly logger: Logger;
};

/**
 * How whatever needs Kafka is retried, and who is told. Each new failure is one line in the log, once it has happened
 * twice in a row: a first one is often a broker that has just started.
 */
export function createRetryPolicy({ topic, doing, onState, logger }: Retried) {
  let logged: string | undefined;
  return {
    longestPauseMs: LONGEST_PAUSE_MS,
    onSuccess: () => onState(undefined),
    onFailure(error: unknown, failures: number) {
      const failure = describeFailure(error, topic);
      onState(failure);
      if (failures === 1) logged = undefined;
      else if (failure !== logged) {
        logger.warn(`not ${doing}: ${failure}; retrying`);
        logged = failure;
      }
    },
  } satisfies RetryOptions;
}
