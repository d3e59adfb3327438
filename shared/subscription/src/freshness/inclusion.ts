/** Decides from the positions of its subscriptions whether a read model includes a position. Pure. */
import type { LogPosition } from '@micromart/events/position';

/** How far one partition of a subscription is applied; `log` and `partition` are null until it reaches its source. */
export type PartitionProgress = {
  readonly log: string | null;
  readonly partition: number | null;
  readonly sequence: number;
  /** The lowest sequence that is parked now; null when none is. */
  readonly firstParked: number | null;
};

export type Inclusion =
  | { readonly kind: 'included' }
  /** `position` is the one that is furthest behind; `events` says how many events it lacks. */
  | { readonly kind: 'behind'; readonly position: LogPosition; readonly events: number }
  /** An event at or below the position is parked, so waiting does not help. */
  | { readonly kind: 'parked'; readonly position: LogPosition }
  | { readonly kind: 'other-log'; readonly position: LogPosition }
  | { readonly kind: 'no-such-partition'; readonly position: LogPosition };

/** The worst answer among these positions: what waiting cannot solve comes before what it can. */
export function inclusionOf(
  positions: readonly LogPosition[],
  progress: readonly PartitionProgress[],
): Inclusion {
  const each = positions.map((position) => inclusionOfOne(position, progress));
  const first = (kind: Inclusion['kind']) => each.find((inclusion) => inclusion.kind === kind);
  const behind = each.filter((inclusion) => inclusion.kind === 'behind').sort((a, b) => b.events - a.events);
  return (
    first('no-such-partition') ?? first('other-log') ?? first('parked') ?? behind[0] ?? { kind: 'included' }
  );
}

function inclusionOfOne(position: LogPosition, progress: readonly PartitionProgress[]): Inclusion {
  const sameLog = progress.filter(({ log }) => log === position.log);
  if (sameLog.length === 0) {
    // A subscription that has not reached its source yet may follow this very log.
    const mayBe = progress.some(({ log }) => log === null);
    return mayBe ? { kind: 'behind', position, events: position.sequence } : { kind: 'other-log', position };
  }
  const reached = sameLog.find(({ partition }) => partition === position.partition);
  if (!reached) return { kind: 'no-such-partition', position };
  if (reached.firstParked !== null && reached.firstParked <= position.sequence)
    return { kind: 'parked', position };
  const events = position.sequence - reached.sequence;
  return events > 0 ? { kind: 'behind', position, events } : { kind: 'included' };
}
