import type { ProductCopies } from '@micromart/product-copies/product-copies';

const QUIET_MS = 10_000;

/**
 * The same copies, but `warn` receives why an answer of the catalog is missing, at most once in ten seconds, because every
 * request fails for the same reason.
 */
export function warnWhenUnavailable(
  copies: ProductCopies,
  { warn, clock }: { warn: (why: string) => void; clock: () => number },
): ProductCopies {
  let quietUntilMs = 0;
  return {
    ...copies,
    async get(ids, options) {
      const answer = await copies.get(ids, options);
      if (answer.why !== undefined && clock() >= quietUntilMs) {
        quietUntilMs = clock() + QUIET_MS;
        warn(answer.why);
      }
      return answer;
    },
  };
}
