/** Writes down what was learnt of heads and freshness, also when no event comes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '@micromart/postgres/pool';
import type { SubscriptionMeter } from '../metrics.ts';
import type { Bell } from '../signal.ts';
import { writeNotes } from './checkpoint.ts';
import type { Line } from './subscription-state.ts';

/** No more often than this. */
const NOTE_INTERVAL_MS = 100;

export function createNoting({
  name,
  pool,
  line,
  bell,
  meter,
  signal,
}: {
  name: string;
  pool: Pool;
  line: Line;
  bell: Bell;
  meter: SubscriptionMeter;
  signal: AbortSignal;
}): () => Promise<void> {
  const parked = new Map<number, number>();
  return async function note() {
    const notes = line.notes();
    if (notes.length === 0) return bell.next(signal);
    for (const [partition, count] of await writeNotes(pool, name, notes)) parked.set(partition, count);
    const positions = line.positions();
    meter.standing({
      lag: sum([...line.heads()].map(([partition, head]) => head - positions.get(partition)!)),
      parked: sum([...parked.values()]),
    });
    await sleep(NOTE_INTERVAL_MS, undefined, { signal });
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
