import type { HttpAnswer, Send } from '@micromart/http/client/send';

/** A failure is shown for this long, unless the catalog answers before: nobody may ask meanwhile. */
const FAILURE_SHOWN_MS = 60_000;
const GOOD_STATUSES: ReadonlySet<number> = new Set([200, 304]);

export type CatalogHealth = {
  /** The same `send`; the catalog is unavailable where it rejects, or answers with neither 200 nor 304. */
  watchSend(send: Send): Send;
  /** The same token; the catalog cannot be asked where it rejects. */
  watchToken(token: () => Promise<string>): () => Promise<string>;
  /** For readiness: whether the last question to the catalog was answered. */
  check(): Promise<{ ok: boolean; detail?: string }>;
};

/** Remembers how the last question to the catalog ended. `clock` gives milliseconds that never go back. */
export function createCatalogHealth(clock: () => number): CatalogHealth {
  let failedAtMs = Number.NEGATIVE_INFINITY;
  const failed = () => {
    failedAtMs = clock();
  };
  const note = ({ status }: HttpAnswer) => {
    if (GOOD_STATUSES.has(status)) failedAtMs = Number.NEGATIVE_INFINITY;
    else failed();
  };

  return {
    watchSend: (send) => async (request, limits) => {
      try {
        const answer = await send(request, limits);
        note(answer);
        return answer;
      } catch (error) {
        if (!limits.signal?.aborted) failed();
        throw error;
      }
    },
    watchToken: (token) => async () => {
      try {
        return await token();
      } catch (error) {
        failed();
        throw error;
      }
    },
    check: async () =>
      clock() - failedAtMs < FAILURE_SHOWN_MS
        ? { ok: false, detail: 'did not answer the last question; carts show what it said before' }
        : { ok: true },
  };
}
