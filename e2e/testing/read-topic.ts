import { repairKafkaJs } from '@micromart/kafka/repairs';
import { Kafka, logLevel } from 'kafkajs';

// Otherwise each connection sets timers in the past, of which Node warns (tulios/kafkajs#1751).
repairKafkaJs();

export type TopicMessage = {
  readonly partition: number;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
};

/** Reads a topic from its beginning to its end, as a client unrelated to Micromart; in order in each partition. */
export async function readTopic(broker: string, topic: string): Promise<TopicMessage[]> {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const awaited = new Map(
    ends.filter(({ high }) => high !== '0').map(({ partition, high }) => [partition, BigInt(high)]),
  );

  const messages: TopicMessage[] = [];
  const consumer = kafka.consumer({ groupId: `reader-${process.pid}-${performance.now()}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((done, failed) => {
    if (awaited.size === 0) return done();
    consumer.on(consumer.events.CRASH, ({ payload }) => failed(payload.error));
    void consumer.run({
      eachMessage: async ({ partition, message }) => {
        const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]);
        messages.push({
          partition,
          key: String(message.key),
          headers: Object.fromEntries(headers),
          value: String(message.value),
        });
        if (BigInt(message.offset) + 1n >= awaited.get(partition)!) awaited.delete(partition);
        if (awaited.size === 0) done();
      },
    });
  });
  await consumer.disconnect();
  return messages;
}
