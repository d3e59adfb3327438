/** Reads the positions that other instances have moved, as long as the state needs them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '@micromart/postgres/pool';
import type { Notifier } from '../notifier.ts';
import { readCheckpoint } from './checkpoint.ts';
import type { SubscriptionState } from './subscription-state.ts';

/** No more often than this. */
const REFRESH_INTERVAL_MS = 100;

export function createRefreshPositions({
  name,
  pool,
  state,
  notifier,
  signal,
}: {
  name: string;
  pool: Pool;
  state: SubscriptionState;
  notifier: Notifier;
  signal: AbortSignal;
}): () => Promise<void> {
  return async function refreshPositions() {
    if (!state.mustRefresh()) return notifier.next(signal);
    const askedMs = performance.now();
    state.learn(await readCheckpoint(pool, name), askedMs);
    notifier.notify();
    await sleep(REFRESH_INTERVAL_MS, undefined, { signal });
  };
}
