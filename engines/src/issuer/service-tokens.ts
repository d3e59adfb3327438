/**
 * Keeps each process that calls others supplied with a token: a file of its own, replaced at half of the token's life.
 * Whether one is due is asked of the wall clock, every few seconds, because timers stand still while a laptop sleeps.
 */

import { writeAtomically } from '../write-atomically.ts';
import type { Issuer } from './issuer.ts';

const LIFETIME_S = 3_600;
const CHECK_MS = 10_000;

export type ServiceTokens = { close(): void };

/** Comes back once every file is there. `onError` hears of a renewal that failed; it is tried again at the next check. */
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
  let underWay = false;
  const timer = setInterval(async () => {
    if (underWay || now() - renewedMs < (LIFETIME_S * 1_000) / 2) return;
    underWay = true;
    try {
      renewedMs = await renew();
    } catch (error) {
      onError(error);
    } finally {
      underWay = false;
    }
  }, checkMs);
  return { close: () => clearInterval(timer) };
}
