import type { Evidence, Follower } from '../evidence/evidence.ts';

/** Every follower saw every event of the log once, and within a partition in its order. */
export function judgeFollowers({ log, followers }: Evidence): string[] {
  return followers.flatMap((follower) => judgeFollower(follower, log));
}

function judgeFollower({ name, seen }: Follower, log: Evidence['log']): string[] {
  const positions = new Set(seen.map(positionOf));
  const skipped = log.filter((event) => !positions.has(positionOf(event))).length;
  const again = seen.length - positions.size;
  const last = new Map<number, number>();
  const disordered = seen.filter(({ partition, sequence }) => {
    const before = last.get(partition) ?? 0;
    last.set(partition, Math.max(before, sequence));
    return sequence < before;
  }).length;
  return [
    ...(skipped > 0 ? [`${name} skipped ${skipped} of ${log.length} events`] : []),
    ...(again > 0 ? [`${name} saw ${again} events again`] : []),
    ...(disordered > 0 ? [`${name} saw ${disordered} events behind later ones`] : []),
  ];
}

const positionOf = ({ partition, sequence }: { partition: number; sequence: number }): string =>
  `${partition}@${sequence}`;
