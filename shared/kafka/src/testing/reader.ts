import { randomUUID } from 'node:crypto';
import { createLogger } from '@micromart/process/logger';
import { until } from '@micromart/testing/until';
import { consume } from '../consumer.ts';
import { type ReceivedMessage, readMessage } from '../message.ts';
import type { KafkaTopic } from '../url.ts';

/** For tests: reads a topic from its beginning, in a new group. */
export type TestReader = {
  /** The messages of each partition, in order. */
  readonly messages: ReadonlyMap<number, readonly ReceivedMessage[]>;
  /** The sequences that were read of a partition, without duplicates, in the order in which they first came. */
  sequences(partition: number): number[];
  close(): Promise<void>;
};

export async function openTestReader(topic: KafkaTopic): Promise<TestReader> {
  const messages = new Map<number, ReceivedMessage[]>();
  const end = new AbortController();
  let isMember = false;
  const reading = consume(
    {
      topic,
      group: `reader-${randomUUID()}`,
      logger: createLogger({ name: 'reader', level: 'silent' }),
      onState() {},
      partitions: () => undefined,
      onAssigned(partitions) {
        isMember = partitions !== undefined;
      },
      async onMessages(partition, received) {
        // A message that is read again after a rebalance counts once.
        const read = messages.get(partition) ?? [];
        const last = BigInt(read.at(-1)?.offset ?? -1);
        messages.set(partition, [...read, ...received.filter(({ offset }) => BigInt(offset) > last)]);
      },
      resumeAt: () => undefined,
    },
    end.signal,
  );
  await until(() => isMember);
  return {
    messages,
    sequences: (partition) => {
      const read = (messages.get(partition) ?? []).map((message) => readMessage(message)!.event.sequence);
      return [...new Set(read)].map(Number);
    },
    async close() {
      end.abort();
      await reading;
    },
  };
}
