/** An operator looks at the subscriptions of every read model, and remembers which of them stopped. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { System } from '../system/system.ts';

export type SubscriptionsWatch = {
  /** Each subscription that was seen stopped, and why. */
  stopped(): readonly string[];
  /** Looks once more, and stops. */
  close(): Promise<void>;
};

const INTERVAL_MS = 200;
const TIMEOUT_MS = 1_000;

type Item = { readonly name: string; readonly state: string; readonly reason: string | null };

export async function watchSubscriptions({ addresses, issuer }: System): Promise<SubscriptionsWatch> {
  const token = await issuer.token({ subject: 'operator', roles: ['operator'], expiresIn: '24h' });
  const ending = new AbortController();
  const stopped = new Set<string>();

  const look = async (url: string) => {
    try {
      const response = await fetch(`${url}/subscriptions`, {
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (!response.ok) return;
      const { items } = (await response.json()) as { items: readonly Item[] };
      for (const { name, state, reason } of items) if (state === 'stopped') stopped.add(`${name}: ${reason}`);
    } catch {
      // Killed, frozen, or not yet there.
    }
  };
  const watch = async (url: string) => {
    while (!ending.signal.aborted) {
      await look(url);
      await sleep(INTERVAL_MS, undefined, { signal: ending.signal }).catch(() => {});
    }
    await look(url);
  };
  const watching = Promise.all(addresses.readModels.map(watch));

  return {
    stopped: () => [...stopped],
    async close() {
      ending.abort();
      await watching;
    },
  };
}
