/** Takes ready events of all partitions, applies them in one transaction, and finds the event at fault when that fails. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReceivedEvent } from '@micromart/events/envelope';
import type { Control } from '../control.ts';
import type { Applied } from '../freshness/applied.ts';
import type { Limits } from '../limits.ts';
import type { SubscriptionMeter } from '../metrics.ts';
import type { Notifier } from '../notifier.ts';
import type { Pace } from '../pace.ts';
import { type BatchTarget, createApplyBatch, TooManyParked } from './apply-batch.ts';
import { type IsDiscarded, type Item, movesOf, toItem } from './batch-item.ts';
import { readCheckpoint } from './checkpoint.ts';
import { EventFault } from './event-fault.ts';
import { Held, StaleFence } from './fence.ts';
import type { SubscriptionState } from './subscription-state.ts';

const ATTEMPT_PAUSE_MS = 20;
/** How soon a held position is looked at again. */
const HELD_LOOK_MS = 20;

/**
 * Applies one batch a call. When a batch fails without an event at fault, its commit is in doubt: the next call reads the
 * positions from the database and puts the events back into their buffers, which skip those at or below the position.
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
  let inDoubt: readonly ReceivedEvent[] = [];

  async function applyOnce(items: readonly Item<E>[]): Promise<void> {
    signal.throwIfAborted();
    const outcome = await applyBatch(items);
    for (const { partition, to } of movesOf(items)) state.commit(partition, to);
    for (const { partition, to } of outcome.whole) applied.record(state.log!, partition, to);
    meter.batch(items.length, outcome);
    notifier.notify();
    applied.notify();
  }

  /** Applies items in order. Halves them as long as they fail, until each event at fault is alone. */
  async function applyAll(items: readonly Item<E>[]): Promise<void> {
    try {
      await applyOnce(items);
    } catch (error) {
      if (!(error instanceof EventFault || error instanceof TooManyParked)) throw error;
      if (items.length === 1) return applyAlone(items[0]!, error);
      const middle = Math.ceil(items.length / 2);
      await applyAll(items.slice(0, middle));
      await applyAll(items.slice(middle));
    }
  }

  /** Retries an event that failed alone, and parks it when every attempt fails. */
  async function applyAlone(item: Item<E>, first: Error): Promise<void> {
    let error = first;
    for (let attempts = 1; attempts < limits.attempts && error instanceof EventFault; attempts += 1) {
      await sleep(ATTEMPT_PAUSE_MS);
      try {
        return await applyOnce([item]);
      } catch (again) {
        error = again as Error;
      }
    }
    if (!(error instanceof EventFault)) throw error;
    await applyOnce([{ event: item.event, fault: { reason: error.message, attempts: limits.attempts } }]);
  }

  const itemOf = (event: ReceivedEvent): Item<E> =>
    isDiscarded(state.log!, event) ? { event, unknown: true } : toItem(target.projection, event);

  async function recover(): Promise<void> {
    const askedMs = performance.now();
    state.restart(await readCheckpoint(target.pool, target.subscription), askedMs);
    for (const event of inDoubt) state.fill(event.partition, [event]);
    inDoubt = [];
  }

  return async function applyNext() {
    if (inDoubt.length > 0 || state.isHeld()) await recover();
    const batchEvents = pace?.batch(limits.batchEvents) ?? limits.batchEvents;
    const events = control.isActive() ? state.take(batchEvents, limits.batchBytes) : [];
    if (events.length === 0) return notifier.next(signal, state.isHeld() ? HELD_LOOK_MS : undefined);
    try {
      const startedMs = performance.now();
      await applyAll(pace ? await pace.map(events, itemOf) : events.map(itemOf));
      await pace?.rest(performance.now() - startedMs, signal);
    } catch (error) {
      inDoubt = events;
      if (error instanceof TooManyParked) return control.stop('too-many-parked', error.message);
      if (error instanceof StaleFence) return meter.refused();
      if (error instanceof Held) return;
      meter.retried();
      throw error;
    }
  };
}
