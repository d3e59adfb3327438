/** For tests: a new topic, a transport that follows it, and a producer that can write anything into it. */
import { randomUUID } from 'node:crypto';
import type { TestTopic } from '@micromart/subscription/follower.contract';
import { testLogger as logger } from '@micromart/subscription/testing/follower';
import type { AnyKafka } from '@micromart/testing/kafka';
import { createClient } from '../client.ts';
import { messageOf, type PublishedMessage } from '../message.ts';
import { createProducer } from '../producer.ts';
import { ensureTopic } from '../topic.ts';
import { createKafkaTransport, type KafkaTransport } from '../transport.ts';
import { parseKafkaUrl } from '../url.ts';

const TOPIC_TIMEOUT_MS = 30_000;

export type TestKafkaTopic = Omit<TestTopic, 'transport'> & {
  transport(): KafkaTransport;
  /** Publishes messages that no relay would. */
  publishRaw(partition: number, messages: readonly PublishedMessage[]): Promise<void>;
};

export async function openTestKafkaTopic(
  { brokers }: Pick<AnyKafka, 'brokers'>,
  partitions: number,
): Promise<TestKafkaTopic> {
  const topic = parseKafkaUrl(`kafka://${brokers.join()}/${randomUUID()}`);
  const admin = (await createClient(topic, logger)).admin();
  const producer = createProducer(topic, logger);
  const ensure = () =>
    ensureTopic(topic, { partitions, logger, signal: AbortSignal.timeout(TOPIC_TIMEOUT_MS) });
  await ensure();
  return {
    transport: () => createKafkaTransport({ topic, group: `followers of ${topic.topic}`, logger }),
    async publish(log, events) {
      for (const [partition, own] of Map.groupBy(events, (event) => event.partition))
        await producer.publish(
          partition,
          own.map((event) => messageOf(log, event)),
        );
    },
    publishRaw: producer.publish,
    async recreate() {
      await admin.deleteTopics({ topics: [topic.topic] });
      await ensure();
    },
    async close() {
      await producer.close();
      await admin.disconnect();
    },
  };
}
