/** Looks into the database for where others have moved the positions, as long as that is of interest. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '@micromart/postgres/pool';
import type { Bell } from '../signal.ts';
import { readStanding } from './checkpoint.ts';
import type { Line } from './subscription-state.ts';

/** No more often than this. */
const LOOK_INTERVAL_MS = 100;

export function createLook({
  name,
  pool,
  line,
  bell,
  signal,
}: {
  name: string;
  pool: Pool;
  line: Line;
  bell: Bell;
  signal: AbortSignal;
}): () => Promise<void> {
  return async function look() {
    if (!line.mustLook()) return bell.next(signal);
    const askedMs = performance.now();
    line.learn(await readStanding(pool, name), askedMs);
    bell.ring();
    await sleep(LOOK_INTERVAL_MS, undefined, { signal });
  };
}
