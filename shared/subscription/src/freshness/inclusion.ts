/** Whether a read model includes a position, told from where its subscriptions stand. Pure. */
import type { LogPosition } from '@micromart/events/position';

/** A partition of a subscription; without log or partition while the subscription has not met its source. */
export type PartitionStanding = {
  readonly log: string | null;
  readonly partition: number | null;
  readonly sequence: number;
  /** The lowest sequence that is parked now. */
  readonly firstParked: number | null;
};

export type Inclusion =
  | { readonly kind: 'included' }
  /** `events`: how many are missing at the place that is furthest behind. */
  | { readonly kind: 'behind'; readonly place: LogPosition; readonly events: number }
  /** Something at or below the place is parked, so waiting does not help. */
  | { readonly kind: 'parked'; readonly place: LogPosition }
  | { readonly kind: 'other-log'; readonly place: LogPosition }
  | { readonly kind: 'no-such-partition'; readonly place: LogPosition };

/** The worst that holds for any of the places: what waiting cannot cure comes before what it can. */
export function inclusionOf(
  places: readonly LogPosition[],
  standings: readonly PartitionStanding[],
): Inclusion {
  const each = places.map((place) => inclusionOfOne(place, standings));
  const first = (kind: Inclusion['kind']) => each.find((inclusion) => inclusion.kind === kind);
  const behind = each.filter((inclusion) => inclusion.kind === 'behind').sort((a, b) => b.events - a.events);
  return (
    first('no-such-partition') ?? first('other-log') ?? first('parked') ?? behind[0] ?? { kind: 'included' }
  );
}

function inclusionOfOne(place: LogPosition, standings: readonly PartitionStanding[]): Inclusion {
  const sameLog = standings.filter(({ log }) => log === place.log);
  if (sameLog.length === 0) {
    // A subscription that has not met its source yet may turn out to follow this very log.
    const mayBe = standings.some(({ log }) => log === null);
    return mayBe ? { kind: 'behind', place, events: place.sequence } : { kind: 'other-log', place };
  }
  const standing = sameLog.find(({ partition }) => partition === place.partition);
  if (!standing) return { kind: 'no-such-partition', place };
  if (standing.firstParked !== null && standing.firstParked <= place.sequence)
    return { kind: 'parked', place };
  const events = place.sequence - standing.sequence;
  return events > 0 ? { kind: 'behind', place, events } : { kind: 'included' };
}
