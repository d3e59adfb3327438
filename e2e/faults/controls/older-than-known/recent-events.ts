/** The control: an owner's process says what it has in memory, also to whoever knows more from another process. */
import * as original from '@micromart/event-log/recent-events';

export const createRecentEvents: typeof original.createRecentEvents = () => {
  const recent = original.createRecentEvents();
  const heads = new Map<number, number>();
  const hear = (partition: number, sequence: number) =>
    heads.set(partition, Math.max(sequence, heads.get(partition) ?? 0));
  return {
    ...recent,
    setHeads(read, askedMs) {
      for (const [partition, last] of read.last) hear(partition, last);
      recent.setHeads(read, askedMs);
    },
    append(events) {
      for (const { partition, sequence } of events) hear(partition, Number(sequence));
      recent.append(events);
    },
    headsWithEvents(after, limit, nowMs) {
      const known = [...after].map(
        ([partition, sequence]) => [partition, Math.min(sequence, heads.get(partition) ?? 0)] as const,
      );
      return recent.headsWithEvents(new Map(known), limit, nowMs);
    },
  };
};
