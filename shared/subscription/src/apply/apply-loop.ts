/** Takes ready events of all partitions and applies them in one transaction. */
import type { ReceivedEvent } from '@micromart/events/envelope';
import type { Control } from '../control.ts';
import type { Applied } from '../freshness/applied.ts';
import type { Limits } from '../limits.ts';
import type { SubscriptionMeter } from '../metrics.ts';
import type { Notifier } from '../notifier.ts';
import type { Pace } from '../pace.ts';
import { type BatchTarget, createApplyBatch, TooManyParked } from './apply-batch.ts';
import { type IsDiscarded, type Item, movesOf, toItem } from './batch-item.ts';
import { createCommitInDoubt } from './commit-in-doubt.ts';
import { Held, StaleFence } from './fence.ts';
import { createParkAfterAttempts } from './park-after-attempts.ts';
import type { SubscriptionState } from './subscription-state.ts';

/** How soon a held position is looked at again. */
const HELD_LOOK_MS = 20;

/**
 * Applies one batch a call. A batch whose events are at fault is applied as far as it can be (park-after-attempts.ts). When it
 * fails for another reason its commit is in doubt, which the next call settles first (commit-in-doubt.ts).
 */
export function createApplyLoop<E>({
  target,
  isDiscarded = () => false,
  pace,
  limits,
  state,
  control,
  notifier,
  applied,
  meter,
  signal,
}: {
  target: BatchTarget<E>;
  isDiscarded: IsDiscarded | undefined;
  pace: Pace | undefined;
  limits: Pick<Limits, 'batchEvents' | 'batchBytes' | 'attempts'>;
  state: SubscriptionState;
  control: Control;
  notifier: Notifier;
  applied: Applied;
  meter: SubscriptionMeter;
  signal: AbortSignal;
}): () => Promise<void> {
  const applyBatch = createApplyBatch(target);
  const inDoubt = createCommitInDoubt({ ...target, state });

  async function applyOnce(items: readonly Item<E>[]): Promise<void> {
    signal.throwIfAborted();
    const outcome = await applyBatch(items);
    for (const { partition, to } of movesOf(items)) state.commit(partition, to);
    for (const { partition, to } of outcome.whole) applied.record(state.log!, partition, to);
    meter.batch(items.length, outcome);
    notifier.notify();
    applied.notify();
  }

  const applyAll = createParkAfterAttempts({ applyOnce, attempts: limits.attempts });

  const itemOf = (event: ReceivedEvent): Item<E> =>
    isDiscarded(state.log!, event) ? { event, unknown: true } : toItem(target.projection, event);

  return async function applyNext() {
    if (inDoubt.isOpen() || state.isHeld()) await inDoubt.settle();
    const batchEvents = pace?.batch(limits.batchEvents) ?? limits.batchEvents;
    const events = control.isActive() ? state.take(batchEvents, limits.batchBytes) : [];
    if (events.length === 0) return notifier.next(signal, state.isHeld() ? HELD_LOOK_MS : undefined);
    try {
      const startedMs = performance.now();
      await applyAll(pace ? await pace.map(events, itemOf) : events.map(itemOf));
      await pace?.rest(performance.now() - startedMs, signal);
    } catch (error) {
      inDoubt.open(events);
      if (error instanceof TooManyParked) return control.stop('too-many-parked', error.message);
      if (error instanceof StaleFence) return meter.refused();
      if (error instanceof Held) return;
      meter.retried();
      throw error;
    }
  };
}
