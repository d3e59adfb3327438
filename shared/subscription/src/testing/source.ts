/** For tests: an owner's log in memory, with the promises of the real one, and ways to break them. */
import { randomUUID } from 'node:crypto';
import type { LoggedEvent } from '@micromart/events/envelope';
import { createNotifier } from '../notifier.ts';
import { type EventSource, SourceReplaced } from '../sources/event-source.ts';

export type TestSource = EventSource & {
  readonly log: string;
  readonly events: readonly (readonly LoggedEvent[])[];
  append(partition: number, key: string, data?: unknown, type?: string): LoggedEvent;
  /** Appends so many, to all partitions in turn. */
  appendMany(count: number): LoggedEvent[];
  /** A new database in the old one's place: another name, and nothing in it. */
  replace(log: string): void;
  /** A restored database: the same log, from before its last events. */
  restore(partition: number, last: number): void;
  /** From now on (not) to be reached. */
  setAway(away: boolean): void;
  /** How many questions were refused while it was away. */
  readonly refusals: number;
};

export const TEST_TYPE = 'test.counted';

export const testEvent = (place: { partition: number; sequence: number; key?: string }): LoggedEvent => ({
  specversion: '1.0',
  id: randomUUID(),
  source: '/test',
  type: TEST_TYPE,
  subject: place.key ?? 'a',
  time: new Date().toISOString(),
  datacontenttype: 'application/json',
  partitionkey: place.key ?? 'a',
  partition: place.partition,
  sequence: String(place.sequence),
  data: {},
});

export function createTestSource({
  partitions,
  log = 'test-1',
}: {
  partitions: number;
  log?: string;
}): TestSource {
  const notifier = createNotifier();
  const empty = () => Array.from({ length: partitions }, (): LoggedEvent[] => []);
  let name = log;
  let events = empty();
  let away = false;
  let refusals = 0;

  const refuseIfAway = () => {
    if (!away) return;
    refusals += 1;
    throw new Error('the owner is away');
  };
  const last = () => new Map(events.map((list, partition) => [partition, list.length]));

  const append: TestSource['append'] = (partition, key, data = {}, type = TEST_TYPE) => {
    const list = events[partition]!;
    const event = { ...testEvent({ partition, sequence: list.length + 1, key }), data, type };
    list.push(event);
    notifier.notify();
    return event;
  };

  return {
    get log() {
      return name;
    },
    get events() {
      return events;
    },
    append,
    appendMany: (count) => Array.from({ length: count }, (_, i) => append(i % partitions, `key-${i % 7}`)),
    replace(log) {
      name = log;
      events = empty();
      notifier.notify();
    },
    restore(partition, last) {
      events[partition]!.length = last;
    },
    get refusals() {
      return refusals;
    },
    setAway(value) {
      away = value;
      notifier.notify();
    },

    async *watch({ after, waitS, signal }) {
      for (let told = after; ; ) {
        refuseIfAway();
        const moved = [...last()].some(([partition, head]) => head > (told.get(partition) ?? 0));
        if (told.size > 0 && !moved) await notifier.next(signal, waitS * 1_000);
        signal.throwIfAborted();
        refuseIfAway();
        told = last();
        yield { log: name, at: new Date(), last: told };
      }
    },
    async page({ log, partition, after, limit }) {
      refuseIfAway();
      const list = events[partition]!;
      if (log !== name || after > list.length) throw new SourceReplaced(`${log} ends before ${after}`);
      return list.slice(after, after + limit);
    },
  };
}
