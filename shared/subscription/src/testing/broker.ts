/**
 * For tests: a message broker in memory. It assigns a topic's partitions to the connected instances, keeps the committed
 * offset of each partition, and delivers exactly what was published, however wrong.
 */
import type { LoggedEvent } from '@micromart/events/envelope';
import { sequenceOf } from '../apply/reorder-buffer.ts';
import { createNotifier } from '../notifier.ts';
import type { DeliveryHandler, Transport } from '../sources/event-source.ts';

export type TestBroker = {
  /** The transport of one instance. */
  transport(): Transport;
  publish(log: string, events: readonly LoggedEvent[]): void;
  /** Deletes the topic and creates it again; the offsets stay and point to nothing. */
  recreate(): void;
  /** While it is unavailable, no instance has an assignment. */
  setUnavailable(unavailable: boolean): void;
};

/** How many messages are delivered together. */
const BATCH = 50;

export function createTestBroker({ partitions }: { partitions: number }): TestBroker {
  type Message = { readonly log: string; readonly event: LoggedEvent };
  const notifier = createNotifier();
  const empty = () => Array.from({ length: partitions }, (): Message[] => []);
  const offsets = empty().map(() => 0);
  const handlers = new Set<DeliveryHandler>();
  let topic = empty();
  let unavailable = false;
  let generation = new AbortController();

  function reassign() {
    generation.abort();
    generation = new AbortController();
    const { signal } = generation;
    for (const handler of handlers) handler.assign(undefined);
    if (unavailable) return;
    for (const [i, handler] of [...handlers].entries()) {
      const own = [...topic.keys()].filter((partition) => partition % handlers.size === i);
      handler.assign(own);
      for (const partition of own) void deliverAll(handler, partition, signal);
    }
  }

  async function deliverAll(handler: DeliveryHandler, partition: number, signal: AbortSignal) {
    const isDone = ({ log, event }: Message) =>
      log !== handler.log || sequenceOf(event) <= handler.position(partition);
    for (let next = offsets[partition]!; !signal.aborted; ) {
      const messages = topic[partition]!;
      // An offset that points to nothing: start with the earliest message.
      if (next > messages.length) next = 0;
      const batch = messages.slice(next, next + BATCH);
      if (batch.length === 0) await notifier.next(signal);
      for (const [log, some] of Map.groupBy(batch, (message) => message.log))
        await handler.deliver(
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
      async run(handler, signal) {
        handlers.add(handler);
        reassign();
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve());
          if (signal.aborted) resolve();
        });
        handlers.delete(handler);
        reassign();
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
    setUnavailable(value) {
      unavailable = value;
      reassign();
    },
  };
}
