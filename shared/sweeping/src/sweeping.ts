/**
 * Sweeps away what has been kept for long enough: batch after batch until nothing is due, so that it keeps up with whatever
 * is written; and after each batch it rests as long as that took, so that half of the time is everybody else's, and a
 * busy store is swept more gently by itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Rows of one kind that are kept for a while only. */
export type Sweep = {
  /** Where they are, for metrics. */
  readonly table: string;
  /** Deletes at most `limit` rows that are due, the oldest first; how many there were. */
  sweep(limit: number): Promise<number>;
  /** By how many seconds the oldest row that is due is overdue; 0 where none is. */
  overdueS(): Promise<number>;
};

export type Sweeping = {
  readonly sweeps: readonly Pick<Sweep, 'table' | 'overdueS'>[];
  /** Ends pauses at once, and waits for the batches that are under way. */
  close(): Promise<void>;
};

export type Pace = {
  readonly batchRows: number;
  /** Between looking again where nothing was due. */
  readonly intervalMs: number;
  readonly maxRestMs: number;
};

const PACE: Pace = { batchRows: 2_000, intervalMs: 10_000, maxRestMs: 1_000 };

/** What fails is reported, and done again after the interval. */
export function startSweeping(
  sweeps: readonly Sweep[],
  { onError, pace = PACE }: { onError: (error: unknown) => void; pace?: Pace },
): Sweeping {
  const closing = new AbortController();
  const { signal } = closing;
  const pause = (ms: number) => sleep(ms, undefined, { signal, ref: false }).catch(() => {});

  async function sweepOn({ sweep }: Sweep): Promise<void> {
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

  const running = Promise.all(sweeps.map(sweepOn));
  return {
    sweeps,
    async close() {
      closing.abort();
      await running;
    },
  };
}
