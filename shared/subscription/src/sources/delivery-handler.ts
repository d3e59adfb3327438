/**
 * What a transport brings. It is held back while there is no room, while nothing may be applied, and until it is known
 * where the partitions stand that were just assigned.
 */

import type { Line } from '../apply/subscription-state.ts';
import type { Control } from '../control.ts';
import type { SubscriptionMeter } from '../metrics.ts';
import type { Bell } from '../signal.ts';
import type { Place } from './event-source.ts';
import type { Share } from './partition-assignment.ts';

export function createPlace({
  line,
  share,
  control,
  bell,
  meter,
}: {
  line: Line;
  share: Share;
  control: Control;
  bell: Bell;
  meter: SubscriptionMeter;
}): Place {
  const mayEnter = (partition: number) => control.isActive() && line.admits(partition);

  async function untilRoom(partition: number, signal: AbortSignal): Promise<void> {
    share.hold();
    while (!signal.aborted && share.owns(partition) && !mayEnter(partition)) await bell.next(signal);
    share.release(performance.now());
  }

  return {
    get log() {
      return line.log;
    },
    get partitions() {
      return line.positions().size || undefined;
    },
    assign(partitions) {
      share.assign(partitions, performance.now());
      line.reassign();
      bell.ring();
    },
    async deliver(log, partition, events, signal) {
      if (!mayEnter(partition)) await untilRoom(partition, signal);
      if (!signal.aborted && share.owns(partition) && log === line.log) {
        const own = events.filter((event) => event.partition === partition);
        meter.duplicates(own.length - line.accept(partition, own, performance.now()));
      }
      bell.ring();
    },
    unreadable: meter.unreadable,
    position: (partition) => line.positions().get(partition) ?? 0,
  };
}
