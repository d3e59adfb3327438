/**
 * A read model with its generations, in one process: it follows each that it can, knows which one is live, and one process
 * of each shape takes rebuilds further (rebuild/advance.ts). What others did is known here within a second; readers do not
 * wait for that, for each answer looks by itself.
 */
import { runAsLeader } from '@micromart/postgres/leader-election';
import { openPool, type Pool } from '@micromart/postgres/pool';
import { retryForever } from '@micromart/process/retry';
import type { Sweeping } from '@micromart/sweeping/sweeping';
import { createNotifier } from '../notifier.ts';
import { createAdvance } from '../rebuild/advance.ts';
import type { Subscription } from '../subscription.ts';
import { createDiscards } from './discards.ts';
import { createFollowed, type FollowSettings } from './followed.ts';
import { isFollowed } from './generation.ts';
import type { LiveGenerations } from './live-generations.ts';
import { createPressure } from './pressure.ts';
import type { ReadModel } from './read-model.ts';
import { ensureFirst, listGenerations } from './stored-generations.ts';

const LOOK_INTERVAL_MS = 1_000;
/** The one that takes them further looks more often whether a rebuild is to be taken further. */
const ADVANCE_INTERVAL_MS = 250;
/** One may be comparing, another one switching. */
const MAX_CONNECTIONS = 3;

/**
 * A process that froze in a transaction must not keep the rows that it has locked, and nothing here waits longer for a lock
 * than a batch would.
 */
const SESSION_SETTINGS = { idle_in_transaction_session_timeout: '3s', lock_timeout: '10s' };

export type Generations = {
  readonly model: ReadModel<unknown>;
  readonly pool: Pool;
  /** Of the generations that this process follows, the live one first. */
  subscriptions(): readonly Subscription[];
  /** What is deleted after a time from those that are followed here, but for the first one; for metrics. */
  readonly sweeps: Sweeping['sweeps'];
  /** Looks at once, after something was changed. */
  look(): Promise<void>;
  close(): Promise<void>;
};

/** Comes back when it knows which generation is live and follows it. `live` is shared with the readers. */
export async function startGenerations<E>({
  live,
  ...settings
}: FollowSettings<E> & { readonly live: LiveGenerations }): Promise<Generations> {
  const { model, url, logger } = settings;
  const pool = openPool(url, {
    max: MAX_CONNECTIONS,
    name: `generations of ${model.name}`,
    settings: SESSION_SETTINGS,
    onIdleError: (err) => logger.warn({ err, model: model.name }, 'store'),
  });
  const discards = createDiscards(pool, model.name);
  const pressure = createPressure(pool, live);
  const followed = createFollowed(settings, {
    ...{ pool, live, isDiscarded: discards.isDiscarded, share: pressure.share },
  });
  const advance = createAdvance({ pool, model, followed, logger });
  const closing = new AbortController();
  const { signal } = closing;
  const notifier = createNotifier();
  let looking = Promise.resolve();

  async function lookNow(): Promise<void> {
    const generations = await listGenerations(pool, model.name);
    live.learn(generations.filter((one) => one.live));
    await discards.refresh();
    const meant = generations.filter(isFollowed);
    if (meant.length > 1) await pressure.look(meant);
    if (!signal.aborted) await followed.follow(generations);
  }

  /** One after the other, for a follower must not be started twice. */
  function look(): Promise<void> {
    const next = looking.catch(() => {}).then(lookNow);
    looking = next;
    return next;
  }

  async function advanceOnce(term: AbortSignal): Promise<void> {
    if (await advance(term)) await look();
  }

  const repeat = (step: (signal: AbortSignal) => Promise<void>, intervalMs: number, signal: AbortSignal) =>
    retryForever(
      async () => {
        await notifier.next(signal, intervalMs);
        await step(signal);
      },
      {
        signal,
        onFailure: (err) => logger.warn({ err, model: model.name }, 'cannot look after generations'),
      },
    );

  try {
    await ensureFirst(pool, model.name, model.shape);
    await look();
  } catch (error) {
    await followed.close();
    await pool.end();
    throw error;
  }
  const running = repeat(look, LOOK_INTERVAL_MS, signal);
  // Not whoever leads the live generation: it may be of an earlier version, which knows nothing of what is to be built.
  const leadership = runAsLeader({
    ...{ url, name: `rebuilds of ${model.name} by shape ${model.shape}`, logger },
    onLead: (term) => repeat(advanceOnce, ADVANCE_INTERVAL_MS, term),
  });

  return {
    model,
    pool,
    subscriptions: followed.subscriptions,
    get sweeps() {
      return followed.sweeps();
    },
    async look() {
      await look();
      notifier.notify();
    },
    async close() {
      closing.abort();
      await Promise.all([running, leadership.close()]);
      await looking.catch(() => {});
      await followed.close();
      await pool.end();
    },
  };
}
