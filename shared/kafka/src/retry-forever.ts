import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@micromart/process/logger';
import { pauseMs } from '@micromart/subscription/retry-forever';
import { describeFailure } from './failure.ts';
import type { KafkaTopic } from './url.ts';

/** What went well for so long has recovered: the failure that ends it is the first one again. */
const STEADY_MS = 10_000;
/** Short of what others pause, for the client itself has been trying for some seconds when it gives up. */
const LONGEST_PAUSE_MS = 2_000;

export type KeepTrying = {
  readonly topic: KafkaTopic;
  /** What is being attempted, as in "not publishing: no broker answers". */
  readonly doing: string;
  /** What is wrong now, as one line without secrets; undefined as soon as all is well again. */
  onState(failure: string | undefined): void;
  readonly logger: Logger;
};

/**
 * Attempts something with Kafka that has no end until the signal is aborted, anew after each failure, with pauses that
 * grow. An attempt says by `onWell` that it has come to work. Each new failure is one line in the log, once it has
 * happened twice: a first one is often a broker that has just started.
 */
export async function keepTrying(
  attempt: (onWell: () => void) => Promise<void>,
  { topic, doing, onState, logger }: KeepTrying,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  let told: string | undefined;
  while (!signal.aborted) {
    let wellSince: number | undefined;
    const onWell = () => {
      if (wellSince === undefined) onState(undefined);
      wellSince ??= performance.now();
    };
    try {
      await attempt(onWell);
    } catch (error) {
      if (signal.aborted) return;
      if (wellSince !== undefined && performance.now() - wellSince > STEADY_MS) {
        failures = 0;
        told = undefined;
      }
      failures += 1;
      const failure = describeFailure(error, topic);
      onState(failure);
      if (failures > 1 && failure !== told) {
        logger.warn(`not ${doing}: ${failure}; trying again and again`);
        told = failure;
      }
      await sleep(Math.min(pauseMs(failures), LONGEST_PAUSE_MS), undefined, { signal }).catch(() => {});
    }
  }
}
