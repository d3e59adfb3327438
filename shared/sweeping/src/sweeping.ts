/**
 * Deletes expired rows, batch after batch until nothing is due, so that it keeps up with any rate of writes. After each full
 * batch it rests as long as the batch took, so half of the time is left to other work, and a busy store is swept more gently.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** The sweep of one table whose rows are kept for a limited time. */
export type Sweep = {
  /** For metrics. */
  readonly table: string;
  /** Deletes at most `limit` rows that are due, the oldest first; resolves with their number. */
  sweep(limit: number): Promise<number>;
  /** How many seconds ago the oldest row fell due; 0 when none is due. */
  overdueS(): Promise<number>;
};

export type Sweeping = {
  readonly sweeps: readonly Pick<Sweep, 'table' | 'overdueS'>[];
  /** Ends pauses at once, and waits for running batches. */
  close(): Promise<void>;
};

export type Pace = {
  readonly batchRows: number;
  /** The pause after a sweep that found less than a batch. */
  readonly intervalMs: number;
  readonly maxRestMs: number;
};

const PACE: Pace = { batchRows: 2_000, intervalMs: 10_000, maxRestMs: 1_000 };

/** Runs the sweeps until it is closed. A sweep that fails is reported to `onError` and retried after the interval. */
export function startSweeping(
  sweeps: readonly Sweep[],
  { onError, pace = PACE }: { onError: (error: unknown) => void; pace?: Pace },
): Sweeping {
  const closing = new AbortController();
  const { signal } = closing;
  const pause = (ms: number) => sleep(ms, undefined, { signal, ref: false }).catch(() => {});

  async function sweepForever({ sweep }: Sweep): Promise<void> {
    while (!signal.aborted) {
      const startedMs = performance.now();
      const swept = await sweep(pace.batchRows).catch((error) => {
        onError(error);
        return 0;
      });
      const isMore = swept >= pace.batchRows;
      await pause(isMore ? Math.min(performance.now() - startedMs, pace.maxRestMs) : pace.intervalMs);
    }
  }

  const running = Promise.all(sweeps.map(sweepForever));
  return {
    sweeps,
    async close() {
      closing.abort();
      await running;
    },
  };
}
