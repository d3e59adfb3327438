/**
 * Supplies each process that calls others with a token, in a file of its own, replaced at half of the token's lifetime. It
 * checks the wall clock every few seconds, because timers stop while a laptop sleeps.
 */

import { writeAtomically } from '../write-atomically.ts';
import type { Issuer } from './issuer.ts';

const LIFETIME_S = 3_600;
const CHECK_MS = 10_000;

export type ServiceTokens = { close(): void };

/** Resolves once every file exists. Calls `onError` for a renewal that failed, and retries at the next check. */
export async function startServiceTokens(
  holders: readonly { readonly name: string; readonly file: string }[],
  {
    issuer,
    onError,
    now = Date.now,
    checkMs = CHECK_MS,
  }: { issuer: Issuer; onError: (error: unknown) => void; now?: () => number; checkMs?: number },
): Promise<ServiceTokens> {
  const renew = async () => {
    for (const { name, file } of holders) {
      const token = await issuer.sign({ subject: name, roles: ['service'], ttlS: LIFETIME_S });
      await writeAtomically(file, token, 0o600);
    }
    return now();
  };
  let renewedMs = await renew();
  let isRenewing = false;
  const timer = setInterval(async () => {
    if (isRenewing || now() - renewedMs < (LIFETIME_S * 1_000) / 2) return;
    isRenewing = true;
    try {
      renewedMs = await renew();
    } catch (error) {
      onError(error);
    } finally {
      isRenewing = false;
    }
  }, checkMs);
  return { close: () => clearInterval(timer) };
}
