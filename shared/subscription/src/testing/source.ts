/** For tests: an owner's log in memory. It keeps the promises of a real one until a test breaks them. */
import { randomUUID } from 'node:crypto';
import type { LoggedEvent } from '@micromart/events/envelope';
import { createNotifier } from '../notifier.ts';
import { type EventSource, SourceReplaced } from '../sources/event-source.ts';

export type TestSource = EventSource & {
  readonly log: string;
  readonly events: readonly (readonly LoggedEvent[])[];
  append(partition: number, key: string, data?: unknown, type?: string): LoggedEvent;
  /** Appends this many events, to all partitions in turn. */
  appendMany(count: number): LoggedEvent[];
  /** Replaces the log by an empty one with another name, as a new database would. */
  replace(log: string): void;
  /** Removes the events after `last`, as a restored database would. */
  restore(partition: number, last: number): void;
  /** Whether it refuses requests from now on. */
  setUnavailable(unavailable: boolean): void;
  /** How many requests it has refused. */
  readonly refusals: number;
};

export const TEST_TYPE = 'test.counted';

export const testEvent = (at: { partition: number; sequence: number; key?: string }): LoggedEvent => ({
  specversion: '1.0',
  id: randomUUID(),
  source: '/test',
  type: TEST_TYPE,
  subject: at.key ?? 'a',
  time: new Date().toISOString(),
  datacontenttype: 'application/json',
  partitionkey: at.key ?? 'a',
  partition: at.partition,
  sequence: String(at.sequence),
  data: {},
});

export function createTestSource({
  partitions,
  log = 'test-1',
  fullPage = Number.POSITIVE_INFINITY,
}: {
  partitions: number;
  log?: string;
  /** With so many events a page is full, whatever its limit is: a real log's page may be full by its bytes. */
  fullPage?: number;
}): TestSource {
  const notifier = createNotifier();
  const empty = () => Array.from({ length: partitions }, (): LoggedEvent[] => []);
  let name = log;
  let events = empty();
  let unavailable = false;
  let refusals = 0;

  const refuseIfUnavailable = () => {
    if (!unavailable) return;
    refusals += 1;
    throw new Error('the owner is unavailable');
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
    setUnavailable(value) {
      unavailable = value;
      notifier.notify();
    },

    async *watch({ after, waitS, signal }) {
      for (let known = after; ; ) {
        refuseIfUnavailable();
        const moved = [...last()].some(([partition, head]) => head > (known.get(partition) ?? 0));
        if (known.size > 0 && !moved) await notifier.next(signal, waitS * 1_000);
        signal.throwIfAborted();
        refuseIfUnavailable();
        known = last();
        yield { log: name, at: new Date(), last: known };
      }
    },
    async page({ log, partition, after, limit }) {
      refuseIfUnavailable();
      const list = events[partition]!;
      if (log !== name || after > list.length) throw new SourceReplaced(`${log} ends before ${after}`);
      return list.slice(after, after + Math.min(limit, fullPage));
    },
  };
}
