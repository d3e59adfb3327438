import { isDiskFull, isUnavailable } from '@micromart/postgres/failure';

/** A failure is shown for this long, unless a batch is written before. */
const FAILURE_SHOWN_MS = 60_000;

export type WriteHealth = {
  succeeded(): void;
  failed(error: unknown): void;
  /** For readiness: whether changes are written. `isStuck` says whether a batch did not end within `timeoutMs`. */
  check(batches: { isStuck: boolean; timeoutMs: number }): { ok: boolean; detail?: string };
};

/** Remembers how the last batch ended. */
export function createWriteHealth(): WriteHealth {
  /** When the last batch failed because the database was unavailable; none has been written since. */
  let failedAtMs = Number.NEGATIVE_INFINITY;
  /** Until a write succeeds: callers that see readiness stop writing, so time alone proves nothing. */
  let isFull = false;

  return {
    succeeded() {
      failedAtMs = Number.NEGATIVE_INFINITY;
      isFull = false;
    },

    failed(error) {
      if (isUnavailable(error)) failedAtMs = performance.now();
      isFull = isDiskFull(error);
    },

    check({ isStuck, timeoutMs }) {
      if (isFull) return { ok: false, detail: 'the last writes failed: the disk of the database is full' };
      if (isStuck) return { ok: false, detail: `writes are stuck: they did not end within ${timeoutMs} ms` };
      if (performance.now() - failedAtMs < FAILURE_SHOWN_MS)
        return { ok: false, detail: 'the last writes failed: the database is unreachable, full or busy' };
      return { ok: true };
    },
  };
}
