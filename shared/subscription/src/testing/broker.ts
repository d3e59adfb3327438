/**
 * For tests: a message broker in memory. It shares a topic's partitions out among the instances that have a place, keeps
 * for each partition the offset up to which they are done, and brings whatever was published, however wrong.
 */
import type { LoggedEvent } from '@micromart/events/envelope';
import { sequenceOf } from '../apply/reorder-buffer.ts';
import { createNotifier } from '../notifier.ts';
import type { DeliveryHandler, Transport } from '../sources/event-source.ts';

export type TestBroker = {
  /** A way to one place. */
  transport(): Transport;
  publish(log: string, events: readonly LoggedEvent[]): void;
  /** Deletes the topic and makes it anew; the offsets stay and point to nothing. */
  recreate(): void;
  /** Away, it takes everybody's place. */
  setAway(away: boolean): void;
};

/** How many messages are delivered together. */
const BATCH = 50;

export function createTestBroker({ partitions }: { partitions: number }): TestBroker {
  type Message = { readonly log: string; readonly event: LoggedEvent };
  const notifier = createNotifier();
  const empty = () => Array.from({ length: partitions }, (): Message[] => []);
  const offsets = empty().map(() => 0);
  const places = new Set<DeliveryHandler>();
  let topic = empty();
  let away = false;
  let generation = new AbortController();

  function shareOut() {
    generation.abort();
    generation = new AbortController();
    const { signal } = generation;
    for (const place of places) place.assign(undefined);
    if (away) return;
    for (const [i, place] of [...places].entries()) {
      const own = [...topic.keys()].filter((partition) => partition % places.size === i);
      place.assign(own);
      for (const partition of own) void bring(place, partition, signal);
    }
  }

  async function bring(place: DeliveryHandler, partition: number, signal: AbortSignal) {
    const isDone = ({ log, event }: Message) =>
      log !== place.log || sequenceOf(event) <= place.position(partition);
    for (let next = offsets[partition]!; !signal.aborted; ) {
      const messages = topic[partition]!;
      // An offset that points to nothing: from the earliest message on.
      if (next > messages.length) next = 0;
      const batch = messages.slice(next, next + BATCH);
      if (batch.length === 0) await notifier.next(signal);
      for (const [log, some] of Map.groupBy(batch, (message) => message.log))
        await place.deliver(
          log,
          partition,
          some.map(({ event }) => event),
          signal,
        );
      if (signal.aborted) return;
      next += batch.length;
      const open = messages.slice(0, next).findIndex((message) => !isDone(message));
      offsets[partition] = open < 0 ? next : open;
    }
  }

  return {
    transport: () => ({
      async run(place, signal) {
        places.add(place);
        shareOut();
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve());
          if (signal.aborted) resolve();
        });
        places.delete(place);
        shareOut();
      },
    }),
    publish(log, events) {
      for (const event of events) topic[event.partition]!.push({ log, event });
      notifier.notify();
    },
    recreate() {
      topic = empty();
      notifier.notify();
    },
    setAway(value) {
      away = value;
      shareOut();
    },
  };
}
