import type { HttpAnswer, Send } from '@micromart/http/client/send';

/** A failure is shown for this long, unless the catalog answers earlier: no request may follow that could clear it. */
const FAILURE_SHOWN_MS = 60_000;
/** With 400 it refuses the words of a search, so it answers. */
const GOOD_STATUSES: ReadonlySet<number> = new Set([200, 304, 400]);

export type CatalogHealth = {
  /** The same `send`. The catalog counts as unavailable when it rejects, or answers neither 200 nor 304. */
  watchSend(send: Send): Send;
  /** The same token. The catalog counts as unavailable when it cannot be read. */
  watchToken(token: () => Promise<string>): () => Promise<string>;
  /** For readiness: whether the last request to the catalog was answered. */
  check(): Promise<{ ok: boolean; detail?: string }>;
};

/** Records how the last request to the catalog ended. `clock` gives milliseconds that never go back. */
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
        ? {
            ok: false,
            detail: 'did not answer the last request; what it said before is used, as long as it allowed',
          }
        : { ok: true },
  };
}
