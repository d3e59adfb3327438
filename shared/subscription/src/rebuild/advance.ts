/**
 * Takes the generations of a model further, each by its next step. Every step can be done again after a crash, and two
 * instances that do the same do no harm: storage is made where it is missing, states change only from the one before.
 */
import type { Pool } from '@micromart/postgres/pool';
import type { Logger } from '@micromart/process/logger';
import { toStorable } from '@micromart/text/storable';
import type { FollowedGenerations } from '../generations/followed.ts';
import { isFollowed } from '../generations/generation.ts';
import type { ReadModel } from '../generations/read-model.ts';
import { settleDiscards } from '../generations/settle-discards.ts';
import { advance, listGenerations, type StoredGeneration } from '../generations/stored-generations.ts';
import { compareGenerations } from './compare.ts';
import { finishDrop } from './drop.ts';
import { hasCaughtUp, lagOf } from './lag.ts';
import { createProgress } from './progress.ts';

const MAX_FAILURE_LENGTH = 500;

/** Takes every generation one step further; gives whether any is in another state now. */
export type Advance = (signal: AbortSignal) => Promise<boolean>;

export function createAdvance({
  pool,
  model,
  followed,
  logger,
}: {
  pool: Pool;
  model: ReadModel<unknown>;
  followed: FollowedGenerations;
  logger: Logger;
}): Advance {
  const deps = { pool, model };
  const progress = createProgress(pool);

  async function create(generation: StoredGeneration): Promise<boolean> {
    await model.create(generation);
    if (await advance(pool, generation.name, 'creating', 'building')) return true;
    // It was dropped meanwhile, maybe before the storage was there.
    return advance(pool, generation.name, 'dropped', 'dropping');
  }

  async function build(generation: StoredGeneration, live: StoredGeneration): Promise<boolean> {
    const lag = await lagOf(pool, generation.name);
    await progress.note(generation.name, lag.applied);
    if (lag.stopped !== null || !hasCaughtUp(lag)) return false;
    const comparison = await compareGenerations(deps, live, generation);
    if (!comparison) throw new Error(NOT_TOGETHER);
    await pool.query('UPDATE generations SET comparison = $2 WHERE name = $1', [
      generation.name,
      JSON.stringify(comparison),
    ]);
    const { differing, rows } = comparison;
    logger.info({ generation: generation.name, rows, differing }, 'generations compared');
    return advance(pool, generation.name, 'building', 'ready');
  }

  async function step(generation: StoredGeneration, live: StoredGeneration): Promise<boolean> {
    // Only a process that knows its shape can make it and compare it.
    if (generation.shape > model.shape && generation.state !== 'dropping') return false;
    const own = followed.alone(generation.name);
    const refusal = followed.failureOf(generation.name);
    if (refusal) throw refusal;
    if (own && isFollowed(generation)) await settleDiscards(pool, own);
    if (generation.state === 'creating') return create(generation);
    if (generation.state === 'building') return build(generation, live);
    if (generation.state === 'dropping') return finishDrop(deps, generation);
    return false;
  }

  return async (signal) => {
    const generations = await listGenerations(pool, model.name);
    const live = generations.find((one) => one.live);
    let changed = false;
    for (const generation of generations) {
      if (!live || signal.aborted) return changed;
      try {
        changed = (await step(generation, live)) || changed;
      } catch (err) {
        await fail(generation, err);
      }
    }
    return changed;
  };

  async function fail({ name, failure }: StoredGeneration, err: unknown): Promise<void> {
    const reason = toStorable((err as Error).message || String(err), MAX_FAILURE_LENGTH);
    if (reason !== failure) logger.warn({ err, generation: name }, 'a generation does not get further');
    await pool.query('UPDATE generations SET failure = $2 WHERE name = $1', [name, reason]);
  }
}

const NOT_TOGETHER =
  'the two generations did not come to stand at the same positions: one is paused, stopped or too far behind';
