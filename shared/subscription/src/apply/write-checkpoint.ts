/** Writes the checkpoint's metadata, heads and As-Of, also when no event comes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '@micromart/postgres/pool';
import type { SubscriptionMeter } from '../metrics.ts';
import type { Notifier } from '../notifier.ts';
import { writeCheckpointMetadata } from './checkpoint.ts';
import type { SubscriptionState } from './subscription-state.ts';

/** No more often than this. */
const CHECKPOINT_INTERVAL_MS = 100;

export function createWriteCheckpoint({
  name,
  pool,
  state,
  notifier,
  meter,
  signal,
}: {
  name: string;
  pool: Pool;
  state: SubscriptionState;
  notifier: Notifier;
  meter: SubscriptionMeter;
  signal: AbortSignal;
}): () => Promise<void> {
  const parked = new Map<number, number>();
  return async function writeCheckpoint() {
    const metadata = state.takeCheckpointMetadata();
    if (metadata.length === 0) return notifier.next(signal);
    for (const [partition, count] of await writeCheckpointMetadata(pool, name, metadata))
      parked.set(partition, count);
    const positions = state.positions();
    meter.backlog({
      lag: sum([...state.heads()].map(([partition, head]) => head - positions.get(partition)!)),
      parked: sum([...parked.values()]),
    });
    await sleep(CHECKPOINT_INTERVAL_MS, undefined, { signal });
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
