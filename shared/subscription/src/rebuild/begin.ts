/** Begins a rebuild, and says before how much room it takes. */
import { problem } from '@micromart/http/problem';
import { inTransaction, type Pool } from '@micromart/postgres/pool';
import type { RecordAct } from '../acts/acts.ts';
import type { ReadModel } from '../generations/read-model.ts';
import {
  addNext,
  listGenerations,
  lockModel,
  type StoredGeneration,
} from '../generations/stored-generations.ts';
import { dropWithin } from './drop.ts';

type Deps = { readonly pool: Pool; readonly model: ReadModel<unknown> };

/**
 * How many bytes a further generation takes, as far as anybody can know: as many as the live one does now. Its rows are
 * fresher, its counters may be more.
 */
export async function neededRoom({ pool, model }: Deps): Promise<number> {
  const live = (await listGenerations(pool, model.name)).find((one) => one.live);
  return live ? model.size(live) : 0;
}

/**
 * Makes the row of the next generation; what leads goes on from there. An older generation that was live before is dropped.
 * Throws a Problem: `conflict` while another one is being built or waits for its switch, `unprocessable` of type
 * `not-enough-room` where it takes more than `maxBytes`. Gives the new generation's name.
 */
export async function beginRebuild(
  { pool, model }: Deps,
  { by, maxBytes }: { by: string; maxBytes: number | undefined },
  record?: RecordAct,
): Promise<string> {
  const roomBytes = await neededRoom({ pool, model });
  if (maxBytes !== undefined && roomBytes > maxBytes)
    throw problem(
      'unprocessable',
      `A further generation takes about ${roomBytes} bytes, and no more than ${maxBytes} may be used. Nothing was begun.`,
      { type: 'not-enough-room' },
    );
  return inTransaction(pool, async (client) => {
    await lockModel(client, model.name);
    const known = await listGenerations(client, model.name);
    refuseWhileUnfinished(known);
    for (const one of known.filter(wasReplaced)) await dropWithin(client, one.name);
    const name = await addNext(client, model.name, { shape: model.shape, by, roomBytes });
    await record?.(client, { generation: name, roomBytes });
    return name;
  });
}

const wasReplaced = ({ state, live, liveSince }: StoredGeneration): boolean =>
  state === 'ready' && !live && liveSince !== null;

function refuseWhileUnfinished(known: readonly StoredGeneration[]): void {
  const unfinished = known.find(
    ({ state, live, liveSince }) =>
      state === 'creating' || state === 'building' || (state === 'ready' && !live && liveSince === null),
  );
  if (!unfinished) return;
  const what = unfinished.state === 'ready' ? 'waits for its switch' : 'is being built';
  throw problem(
    'conflict',
    `${unfinished.name} ${what}: switch to it, or delete /rebuilds/${unfinished.name}, before another one is begun.`,
    { type: 'rebuild-under-way' },
  );
}
