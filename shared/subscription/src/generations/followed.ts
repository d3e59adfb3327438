/** The subscriptions of a read model's generations in this process: one for each that it can follow. */
import type { Pool } from '@micromart/postgres/pool';
import type { Logger } from '@micromart/process/logger';
import type { Sweeping } from '@micromart/sweeping/sweeping';
import type { IsDiscarded } from '../apply/batch-item.ts';
import { defaultLimits, type Limits } from '../limits.ts';
import type { SubscriptionMetrics } from '../metrics.ts';
import { type Pace, shareOfTime } from '../pace.ts';
import type { EventSource, Transport } from '../sources/event-source.ts';
import { type Subscription, startSubscription } from '../subscription.ts';
import { type Generation, isFollowed } from './generation.ts';
import type { LiveGenerations } from './live-generations.ts';
import { parkingInAll } from './parking-in-all.ts';
import type { OpenGeneration, ReadModel } from './read-model.ts';

/**
 * Of what is not live. A batch of the live one may keep the event loop and the rows of many counters for longer than an
 * answer takes; one of these may not.
 */
const BESIDE: Partial<Limits> = { batchEvents: 1_000, pageEvents: 200, pagesAtOnce: 2 };

export type FollowSettings<E> = {
  readonly model: ReadModel<E>;
  /** The service's own store. */
  readonly url: string;
  readonly source: EventSource;
  /** For the live generation; the others follow the source alone. */
  readonly transport?: Transport;
  readonly metrics: SubscriptionMetrics;
  readonly logger: Logger;
  readonly limits?: Partial<Limits>;
  /** Of what is not live. */
  readonly pace?: Pace;
};

type Followed<E> = {
  readonly generation: Generation;
  /** As an operator acts on it: in all generations. */
  readonly subscription: Subscription;
  /** As it acts in this generation alone. */
  readonly alone: Subscription;
  readonly open: OpenGeneration<E>;
};

export type FollowedGenerations = {
  /**
   * Starts, stops and gives new roles, so that what is followed is as these rows say. Rejects where the live one cannot be
   * opened; another one that cannot be is tried again by the next call.
   */
  follow(generations: readonly Generation[]): Promise<void>;
  /** The live one first. */
  subscriptions(): readonly Subscription[];
  /** Acts in this generation alone. */
  alone(name: string): Subscription | undefined;
  /** Of all of them. */
  sweeps(): Sweeping['sweeps'];
  /** Why this process does not follow it, where it could not open it. */
  failureOf(name: string): unknown;
  close(): Promise<void>;
};

export function createFollowed<E>(
  settings: FollowSettings<E>,
  deps: {
    pool: Pool;
    live: LiveGenerations;
    isDiscarded: IsDiscarded;
    share: (generation: string) => number;
  },
): FollowedGenerations {
  const { model, url, source, transport, metrics, logger } = settings;
  const followed = new Map<string, Followed<E>>();
  const failures = new Map<string, unknown>();

  async function start(generation: Generation): Promise<void> {
    const { name, live } = generation;
    const open = await model.open(generation);
    const alone = startSubscription({
      ...{ name, url, source, metrics, logger, projection: open.projection },
      ...(live && transport && { transport }),
      ...(!live && { pace: settings.pace ?? shareOfTime(() => deps.share(name)) }),
      sessionSettings: open.sessionSettings,
      isDiscarded: deps.isDiscarded,
      applied: deps.live.appliedTo(name),
      limits: live ? (settings.limits ?? {}) : atMost(BESIDE, settings.limits),
    });
    const others = () =>
      [...followed.values()].filter((one) => one.generation.name !== name).map((one) => one.alone);
    const parking = parkingInAll({ pool: deps.pool, own: alone, others, logger });
    followed.set(name, { generation, alone, subscription: { ...alone, parking }, open });
    logger.info({ generation: name, live }, 'following a generation');
  }

  async function stop({ alone, open }: Followed<E>): Promise<void> {
    await alone.close();
    await open.close();
  }

  async function follow(generations: readonly Generation[]): Promise<void> {
    const meant = generations.filter((one) => isFollowed(one) && one.shape <= model.shape);
    for (const one of [...followed.values()]) {
      const now = meant.find(({ name }) => name === one.generation.name);
      if (now?.live === one.generation.live) continue;
      followed.delete(one.generation.name);
      await stop(one);
      if (!now) metrics.forget(one.generation.name);
    }
    failures.clear();
    for (const generation of meant.toSorted(liveFirst)) {
      if (followed.has(generation.name)) continue;
      await start(generation).catch((err) => {
        if (generation.live) throw err;
        failures.set(generation.name, err);
        logger.warn({ err, generation: generation.name }, 'cannot open a generation');
      });
    }
  }

  return {
    follow,
    subscriptions: () =>
      [...followed.values()]
        .sort((a, b) => liveFirst(a.generation, b.generation))
        .map(({ subscription }) => subscription),
    alone: (name) => followed.get(name)?.alone,
    sweeps: () => [...followed.values()].flatMap(({ open }) => open.sweeps ?? []),
    failureOf: (name) => failures.get(name),
    async close() {
      await Promise.all([...followed.values()].map(stop));
    },
  };
}

const liveFirst = (a: Generation, b: Generation): number => Number(b.live) - Number(a.live);

/** These limits, and no more of each than those say. */
const atMost = (limits: Partial<Limits>, others: Partial<Limits> = {}): Partial<Limits> => ({
  ...others,
  ...Object.fromEntries(
    Object.entries(limits).map(([name, limit]) => [
      name,
      Math.min(limit, others[name as keyof Limits] ?? defaultLimits[name as keyof Limits]),
    ]),
  ),
});
