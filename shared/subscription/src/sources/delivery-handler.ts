/**
 * Accepts what a transport delivers. A delivery waits while there is no room, while nothing may be applied, and until the
 * positions of newly assigned partitions are known.
 */

import type { SubscriptionState } from '../apply/subscription-state.ts';
import type { Control } from '../control.ts';
import type { SubscriptionMeter } from '../metrics.ts';
import type { Notifier } from '../notifier.ts';
import type { DeliveryHandler } from './event-source.ts';
import type { PartitionAssignment } from './partition-assignment.ts';

export function createDeliveryHandler({
  state,
  assignment,
  control,
  notifier,
  meter,
}: {
  state: SubscriptionState;
  assignment: PartitionAssignment;
  control: Control;
  notifier: Notifier;
  meter: SubscriptionMeter;
}): DeliveryHandler {
  const isAccepted = (partition: number) => control.isActive() && state.admits(partition);

  async function untilRoom(partition: number, signal: AbortSignal): Promise<void> {
    assignment.hold();
    while (!signal.aborted && assignment.owns(partition) && !isAccepted(partition))
      await notifier.next(signal);
    assignment.release(performance.now());
  }

  return {
    get log() {
      return state.log;
    },
    get partitions() {
      return state.positions().size || undefined;
    },
    assign(partitions) {
      assignment.assign(partitions, performance.now());
      state.reassign();
      notifier.notify();
    },
    async deliver(log, partition, events, signal) {
      if (!isAccepted(partition)) await untilRoom(partition, signal);
      if (!signal.aborted && assignment.owns(partition) && log === state.log) {
        const own = events.filter((event) => event.partition === partition);
        meter.duplicates(own.length - state.accept(partition, own, performance.now()));
      }
      notifier.notify();
    },
    unreadable: meter.unreadable,
    position: (partition) => state.positions().get(partition) ?? 0,
  };
}
