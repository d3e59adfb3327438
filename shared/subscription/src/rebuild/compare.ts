/** Compares a generation with the live one, at the same positions and in one snapshot. */
import { setTimeout as sleep } from 'node:timers/promises';
import { formatPosition } from '@micromart/events/position';
import { type Client, inSnapshot, type Pool } from '@micromart/postgres/pool';
import type { Differences } from '../generations/differences.ts';
import type { Generation } from '../generations/generation.ts';
import type { ReadModel } from '../generations/read-model.ts';
import { type Exceptions, readExceptions } from './exceptions.ts';
import { HOLD_MS, hold, release, standTogether } from './hold.ts';
import { hasCaughtUp, lagOf, otherHistory } from './lag.ts';

const LISTED = 100;
const LOOK_MS = 10;

/** What came of a comparison; stored with the generation, and answered as it is. */
export type Comparison = Differences &
  Exceptions & {
    /** The generation that was live. */
    readonly with: string;
    readonly at: string;
    /** Where both stood; null where they cannot stand at the same positions. */
    readonly position: string | null;
    /** Why they cannot; then differences are to be expected. */
    readonly otherHistory: string | null;
  };

/**
 * Undefined when they did not come to stand at the same positions in time: one of them is too far behind, paused or stopped.
 */
export async function compareGenerations(
  { pool, model }: { pool: Pool; model: ReadModel<unknown> },
  live: Generation,
  other: Generation,
): Promise<Comparison | undefined> {
  const both = [live.name, other.name] as const;
  const [a, b] = [await lagOf(pool, live.name), await lagOf(pool, other.name)];
  const reason = otherHistory(a, b);
  if (reason !== undefined) return inSnapshot(pool, (client) => compareNow(client, reason));

  if (a.paused || !hasCaughtUp(a)) return undefined;
  const deadlineMs = performance.now() + HOLD_MS;
  await hold(pool, both);
  try {
    while (performance.now() < deadlineMs) {
      if (await standTogether(pool, both)) {
        const found = await inSnapshot(pool, async (client) => {
          // They may have gone on since: what counts is where they stand in this snapshot.
          if (!(await standTogether(client, both))) return undefined;
          await release(pool, both);
          return compareNow(client);
        });
        if (found) return found;
      }
      await sleep(LOOK_MS);
    }
    return undefined;
  } finally {
    await release(pool, both);
  }

  async function compareNow(client: Client, otherHistory?: string): Promise<Comparison> {
    const position = otherHistory === undefined ? await positionOf(client, other.name) : null;
    const differences = await model.compare(client, live, other, LISTED);
    const exceptions = await readExceptions(client, both, LISTED);
    return {
      with: live.name,
      at: new Date().toISOString(),
      position,
      otherHistory: otherHistory ?? null,
      ...differences,
      ...exceptions,
    };
  }
}

async function positionOf(client: Client, generation: string): Promise<string> {
  const { rows } = await client.query<{ log: string; partition: number; sequence: number }>(
    `SELECT s.log, p.partition, p.sequence FROM subscription_positions p JOIN subscriptions s ON s.name = p.subscription
     WHERE s.name = $1 ORDER BY p.partition`,
    [generation],
  );
  return formatPosition(rows);
}
