/**
 * The loops of one instance. They share one state (apply/subscription-state.ts) and one notifier. Each loop does what is due,
 * or waits, and starts again after an error.
 *
 * There are two parts. `work` receives events and applies them. `watch` keeps the owner's heads of all partitions and writes
 * the checkpoint's metadata.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDiskFull } from '@micromart/postgres/failure';
import type { Pool } from '@micromart/postgres/pool';
import type { Logger } from '@micromart/process/logger';
import { retryForever } from '@micromart/process/retry';
import { createApplyLoop } from './apply/apply-loop.ts';
import type { IsDiscarded } from './apply/batch-item.ts';
import { readCheckpoint } from './apply/checkpoint.ts';
import { createRefreshPositions } from './apply/refresh-positions.ts';
import { createSubscriptionState } from './apply/subscription-state.ts';
import type { Waiting } from './apply/waiting.ts';
import { createWriteCheckpoint } from './apply/write-checkpoint.ts';
import type { Control } from './control.ts';
import type { Applied } from './freshness/applied.ts';
import type { Limits } from './limits.ts';
import type { SubscriptionMeter } from './metrics.ts';
import type { Notifier } from './notifier.ts';
import type { Pace } from './pace.ts';
import type { Projection } from './projection.ts';
import { createDeliveryHandler } from './sources/delivery-handler.ts';
import type { EventSource, Transport } from './sources/event-source.ts';
import { createFetchMissing } from './sources/fetch-missing.ts';
import { createHeadsClient } from './sources/heads-client.ts';
import { createPartitionAssignment, type PartitionAssignment } from './sources/partition-assignment.ts';
import { createReplacedSource } from './sources/replaced-source.ts';

const CONTROL_INTERVAL_MS = 1_000;

export type FollowDeps<E> = {
  readonly name: string;
  readonly pool: Pool;
  readonly source: EventSource;
  readonly transport: Transport | undefined;
  readonly projection: Projection<E>;
  readonly isDiscarded: IsDiscarded | undefined;
  readonly pace: Pace | undefined;
  readonly control: Control;
  /** Wakes the loops. */
  readonly notifier: Notifier;
  /** Notified of each commit. */
  readonly applied: Applied;
  readonly waiting: Waiting;
  readonly meter: SubscriptionMeter;
  readonly logger: Logger;
  readonly limits: Limits;
};

export type Follower = {
  /** The partitions that a transport has assigned to this instance. */
  assigned(): ReadonlySet<number> | undefined;
  /** Reads the checkpoint. Must come before `work` and `watch`. */
  begin(): Promise<void>;
  /** Works until the signal is aborted; resolves once the batch in flight is finished. */
  work(signal: AbortSignal): Promise<void>;
  /** Watches until the signal is aborted. */
  watch(signal: AbortSignal): Promise<void>;
};

export function createFollower<E>(deps: FollowDeps<E>): Follower {
  const {
    name,
    pool,
    source,
    transport,
    projection,
    isDiscarded,
    pace,
    control,
    notifier,
    applied,
    waiting,
    meter,
    logger,
    limits,
  } = deps;
  const delivery = transport && {
    transport,
    assignment: createPartitionAssignment(limits, performance.now()),
  };
  const state = createSubscriptionState(limits, delivery?.assignment);
  const replacedSource = createReplacedSource(limits);
  const shared = { name, pool, state, control, replacedSource, notifier };

  const reportSuccess = (loop: string) => {
    if (waiting.succeeded(loop)) logger.info({ subscription: name, loop }, 'following again');
  };

  const reportFailure = (loop: string, err: unknown) => {
    const level = waiting.failed(loop, err) ? (isDiskFull(err) ? 'error' : 'warn') : 'debug';
    logger[level]({ err, subscription: name, loop }, 'following failed; retrying');
  };

  const runAll = (loops: Readonly<Record<string, () => Promise<void>>>, signal: AbortSignal) =>
    Promise.all(
      Object.entries(loops).map(([loop, step]) =>
        retryForever(step, {
          signal,
          onFailure: (err) => reportFailure(loop, err),
          onSuccess: () => reportSuccess(loop),
        }),
      ),
    );

  const transportLoops = (
    { transport, assignment }: { transport: Transport; assignment: PartitionAssignment },
    signal: AbortSignal,
  ) => {
    const handler = createDeliveryHandler({ ...shared, assignment, meter });
    return {
      transport: () => transport.run(handler, signal).finally(() => handler.assign(undefined)),
      positions: createRefreshPositions({ ...shared, signal }),
      control: () => control.refresh(pool).then(() => sleep(CONTROL_INTERVAL_MS, undefined, { signal })),
    };
  };

  return {
    assigned: () => delivery?.assignment.assigned,

    async begin() {
      await pool.query('INSERT INTO subscriptions (name) VALUES ($1) ON CONFLICT DO NOTHING', [name]);
      await control.refresh(pool);
      const askedMs = performance.now();
      state.learn(await readCheckpoint(pool, name), askedMs);
    },

    async work(signal) {
      const feed = createFetchMissing({
        ...shared,
        source,
        pagesAtOnce: limits.pagesAtOnce,
        onFetched: ({ kind }, fresh) => transport && meter.healed(kind, fresh),
        onFailure: (error) => reportFailure('feed', error),
        signal,
      });
      const apply = createApplyLoop({
        ...shared,
        target: { pool, subscription: name, projection, parkedEvents: limits.parkedEvents },
        isDiscarded,
        pace,
        limits,
        applied,
        meter,
        signal,
      });
      await runAll({ feed, apply, ...(delivery && transportLoops(delivery, signal)) }, signal);
    },

    async watch(signal) {
      state.lead(performance.now());
      notifier.notify();
      const heads = createHeadsClient({
        ...shared,
        source,
        waitS: limits.headWaitS,
        events: transport ? 0 : limits.eventsWithHeads,
        onAnswer: () => reportSuccess('heads'),
        signal,
      });
      await runAll({ heads, checkpoint: createWriteCheckpoint({ ...shared, meter, signal }) }, signal);
      state.resign();
      meter.forget();
    },
  };
}
