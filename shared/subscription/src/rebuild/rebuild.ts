/** What an operator sees of a generation, and does with it. */
import { problem } from '@micromart/http/problem';
import { inTransaction } from '@micromart/postgres/pool';
import type { Logger } from '@micromart/process/logger';
import { createActs, type RecordAct } from '../acts/acts.ts';
import type { Generations } from '../generations/generations.ts';
import { listGenerations, type StoredGeneration } from '../generations/stored-generations.ts';
import { beginRebuild, neededRoom } from './begin.ts';
import type { Comparison } from './compare.ts';
import { beginDrop } from './drop.ts';
import { type Lag, lagOf } from './lag.ts';
import { switchLive } from './switch.ts';

export type Rebuild = {
  readonly id: string;
  readonly model: string;
  readonly state: StoredGeneration['state'];
  readonly live: boolean;
  readonly shape: number;
  readonly log: string | null;
  readonly requestedBy: string | null;
  readonly requestedAt: Date;
  readonly liveSince: Date | null;
  /** The generation that was live before it; where switching back leads. */
  readonly predecessor: string | null;
  readonly roomBytes: number | null;
  /** `total` are the events that the owner has, as far as is known. */
  readonly events: { readonly applied: number; readonly total: number };
  readonly eventsPerS: number | null;
  /** How long it takes until it has caught up, at this rate. */
  readonly secondsLeft: number | null;
  /** Why it does not get further, where it does not. */
  readonly reason: string | null;
  readonly comparison: Comparison | null;
};

export type Rebuilds = {
  list(): Promise<Rebuild[]>;
  /** Throws `not-found`. */
  show(id: string): Promise<Rebuild>;
  neededRoom(): Promise<number>;
  /** Throws what beginRebuild throws. */
  begin(request: { by: string; maxBytes: number | undefined }): Promise<Rebuild>;
  /** Compares it anew. Throws `not-found`, or `conflict` while it is being built, or live. */
  compare(id: string, by: string): Promise<Rebuild>;
  /** Throws what switchLive throws. */
  switch(id: string, request: { by: string; acceptDifferences: boolean }): Promise<Rebuild>;
  /** Makes live what was live before this one; throws `conflict` where that is not there, and as switch does. */
  switchBack(id: string, request: { by: string; acceptDifferences: boolean }): Promise<Rebuild>;
  /** Cancels or drops it. Throws what beginDrop throws. */
  drop(id: string, by: string): Promise<Rebuild>;
};

export function createRebuilds(generations: Generations, logger: Logger): Rebuilds {
  const { pool, model } = generations;
  const acts = createActs({ pool, logger });

  async function find(id: string): Promise<StoredGeneration> {
    const found = (await listGenerations(pool, model.name)).find(({ name }) => name === id);
    if (!found) throw problem('not-found', `There is no rebuild ${id}.`);
    return found;
  }

  const show = async (generation: StoredGeneration): Promise<Rebuild> =>
    present(generation, await lagOf(pool, generation.name));

  /** Everybody here goes by it at once; the other instances look within a second. */
  async function done(id: string, act: string, by: string): Promise<Rebuild> {
    logger.info({ generation: id, by, act }, 'generation changed');
    await generations.look();
    return show(await find(id));
  }

  async function compareAnew(id: string, record: RecordAct): Promise<void> {
    await find(id);
    await inTransaction(pool, async (client) => {
      const { rowCount } = await client.query(
        `UPDATE generations SET state = 'building', comparison = NULL, changed_at = now()
         WHERE name = $1 AND state = 'ready' AND NOT live`,
        [id],
      );
      if (!rowCount)
        throw problem('conflict', `${id} is not a ready generation beside the live one.`, {
          type: 'rebuild-not-ready',
        });
      await record(client);
    });
  }

  return {
    list: async () => Promise.all((await listGenerations(pool, model.name)).map(show)),
    show: async (id) => show(await find(id)),
    neededRoom: () => neededRoom(generations),
    async begin(request) {
      const act = { kind: 'rebuild', by: request.by, target: model.name };
      const id = await acts.perform(act, (record) => beginRebuild(generations, request, record));
      return done(id, 'begun', request.by);
    },
    async compare(id, by) {
      await acts.perform({ kind: 'compare', by, target: id }, (record) => compareAnew(id, record));
      return done(id, 'compared', by);
    },
    async switch(id, request) {
      const act = { kind: 'switch', by: request.by, target: id };
      await acts.perform(act, (record) => switchLive(generations, { ...request, to: id }, record));
      return done(id, 'switched', request.by);
    },
    async switchBack(id, request) {
      const act = { kind: 'switch-back', by: request.by, target: id };
      await acts.perform(act, async (record) => {
        const { live, predecessor } = await find(id);
        const before = (await listGenerations(pool, model.name)).find(({ name }) => name === predecessor);
        if (!live || before?.state !== 'ready')
          throw problem('conflict', `${id} is not live, or what was live before it is not there any more.`, {
            type: 'nothing-to-switch-back-to',
          });
        return switchLive(generations, { ...request, to: before.name }, record);
      });
      return done(id, 'switched back', request.by);
    },
    async drop(id, by) {
      await acts.perform({ kind: 'drop', by, target: id }, (record) => beginDrop(generations, id, record));
      return done(id, 'dropped', by);
    },
  };
}

function present(generation: StoredGeneration, lag: Lag): Rebuild {
  const { name, comparison, failure, eventsPerS, ...stored } = generation;
  const { model, state, live, shape, requestedBy, requestedAt, liveSince, predecessor, roomBytes } = stored;
  const { applied, total, log, stopped, waiting } = lag;
  const isBuilding = state === 'building';
  const rate = isBuilding ? eventsPerS : null;
  return {
    ...{ id: name, model, state, live, shape, log: log || null, requestedBy, requestedAt, liveSince },
    ...{ predecessor, roomBytes, events: { applied, total }, eventsPerS: rate },
    secondsLeft: rate ? Math.ceil((total - applied) / rate) : null,
    reason: stopped ?? failure ?? waiting,
    comparison: comparison as Comparison | null,
  };
}
