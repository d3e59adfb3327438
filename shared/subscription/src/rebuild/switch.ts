/**
 * Makes another generation live, in one transaction. It locks the live positions, so that they stand still, waits until the
 * other generation has reached all of them, and moves the pointer. A reader sees it before or after: positions and As-Of
 * never go back, and what a client has written and seen is included still.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { problem } from '@micromart/http/problem';
import { type Client, inTransaction, type Pool } from '@micromart/postgres/pool';
import type { RecordAct } from '../acts/acts.ts';
import type { ReadModel } from '../generations/read-model.ts';
import { listGenerations, lockModel, type StoredGeneration } from '../generations/stored-generations.ts';
import { lockPositions } from '../lock-positions.ts';
import type { Comparison } from './compare.ts';
import { hasCaughtUp, type Lag, lagOf, otherHistory } from './lag.ts';

/** So long the live generation may stand still. */
const MAX_STANDSTILL_MS = 3_000;
const LOOK_MS = 5;
const RETRY_BEHIND_S = 2;

export type SwitchRequest = {
  readonly to: string;
  /** Also with differences, or where nothing could be compared at the same positions. */
  readonly acceptDifferences: boolean;
  readonly by: string;
};

/**
 * Throws a Problem: `not-found`, `conflict` where it is not ready or differs, `unavailable` where it does not catch up in time.
 * Nothing has changed then.
 */
export async function switchLive(
  { pool, model }: { pool: Pool; model: ReadModel<unknown> },
  request: SwitchRequest,
  record?: RecordAct,
): Promise<void> {
  await inTransaction(pool, async (client) => {
    await lockModel(client, model.name);
    const known = await listGenerations(client, model.name);
    const live = known.find((one) => one.live)!;
    const target = known.find(({ name }) => name === request.to);
    if (!target || target.state === 'dropped')
      throw problem('not-found', `There is no generation ${request.to}.`);
    refuseUnlessReady(target, model.shape);

    const [a, b] = [await lagOf(client, live.name), await lagOf(client, target.name)];
    refuseStopped(target, b);
    const history = otherHistory(a, b) ?? otherHistory(b, a);
    if (!request.acceptDifferences) refuseDifferences(target, history);
    if (!hasCaughtUp(b) && !history) throw behind(target.name);
    await lockPositions(client, [live.name]);
    if (history === undefined) {
      await untilReached(client, live.name, target.name);
      await takeOverFreshness(client, live.name, target.name);
    }
    await client.query('UPDATE generations SET live = false WHERE name = $1', [live.name]);
    await client.query(
      `UPDATE generations SET live = true, live_since = now(), predecessor = $2, changed_at = now() WHERE name = $1`,
      [target.name, live.name],
    );
    await record?.(client, { from: live.name, to: target.name });
  });
}

function refuseUnlessReady({ name, live, state, shape }: StoredGeneration, ownShape: number): void {
  if (live) throw problem('conflict', `${name} is live already.`, { type: 'generation-is-live' });
  if (state !== 'ready')
    throw problem('conflict', `${name} is ${state}. Only a generation that was compared can become live.`, {
      type: 'rebuild-not-ready',
    });
  if (shape > ownShape)
    throw problem('conflict', `${name} is of shape ${shape}, which this instance's version does not know.`, {
      type: 'generation-unknown',
    });
}

/** One that was live before may be gone back to all the same: its answers are those of then. */
function refuseStopped({ name, liveSince }: StoredGeneration, { stopped }: Lag): void {
  if (stopped === null || liveSince !== null) return;
  throw problem(
    'conflict',
    `${name} has stopped: ${stopped}. Delete /rebuilds/${name}, and begin another one.`,
    {
      type: 'rebuild-not-ready',
    },
  );
}

/** One that was live before is known to be right; what its successor counted otherwise is the reason to go back. */
function refuseDifferences(
  { name, liveSince, comparison }: StoredGeneration,
  history: string | undefined,
): void {
  const { differing } = (comparison ?? { differing: 0 }) as Pick<Comparison, 'differing'>;
  const reason = history ?? (liveSince === null && differing > 0 ? `${differing} rows differ` : undefined);
  if (reason === undefined) return;
  throw problem(
    'conflict',
    `${reason}: look at /rebuilds/${name}. To switch all the same, send {"acceptDifferences": true}.`,
    { type: 'generations-differ' },
  );
}

const behind = (name: string): Error =>
  problem('unavailable', `${name} is too far behind to become live. Try again when it has caught up.`, {
    type: 'rebuild-behind',
    retryAfterS: RETRY_BEHIND_S,
  });

/** Waits until `other` has reached every position of `live`, which this transaction has locked. */
async function untilReached(client: Client, live: string, other: string): Promise<void> {
  const deadlineMs = performance.now() + MAX_STANDSTILL_MS;
  for (;;) {
    const { rows } = await client.query<{ reached: boolean }>(
      `SELECT COALESCE(bool_and(COALESCE(o.sequence, -1) >= l.sequence), true) AS reached
       FROM (SELECT partition, sequence FROM subscription_positions WHERE subscription = $1) l
       LEFT JOIN (SELECT partition, sequence FROM subscription_positions WHERE subscription = $2) o USING (partition)`,
      [live, other],
    );
    if (rows[0]!.reached) return;
    if (performance.now() > deadlineMs) throw behind(other);
    await sleep(LOOK_MS);
  }
}

/** What the live one includes as of a time, the other one includes as well now. */
async function takeOverFreshness(client: Client, live: string, other: string): Promise<void> {
  await lockPositions(client, [other]);
  await client.query(
    `UPDATE subscription_positions o SET as_of = GREATEST(o.as_of, l.as_of), head = GREATEST(o.head, l.head)
     FROM subscription_positions l WHERE l.subscription = $1 AND o.subscription = $2 AND l.partition = o.partition`,
    [live, other],
  );
}
