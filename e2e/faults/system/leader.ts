import type { Side } from './side.ts';
import type { System } from './system.ts';

const TIMEOUT_MS = 500;

/** The side whose tracking applies, as it says itself; undefined while none does, and a frozen one says nothing. */
export async function leaderOf({ sides, issuer }: System): Promise<Side | undefined> {
  const token = await issuer.token({ subject: 'faults', roles: ['operator'] });
  const leading = await Promise.all(sides.map(({ trackingUrl }) => isLeader(trackingUrl, token)));
  return sides.find((_, n) => leading[n]);
}

async function isLeader(url: string, token: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/subscriptions`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const { items } = (await response.json()) as { items: { leader: boolean }[] };
    return items.some(({ leader }) => leader);
  } catch {
    return false;
  }
}
