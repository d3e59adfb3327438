/**
 * Publishing to a topic's partitions, acknowledged. Two bugs of kafkajs, each of which loses messages without a word,
 * decide how:
 *
 * - A send to several partitions, tried again after a leader has changed, takes one broker's answer for both. So each
 *   send is for one partition, and its answer must name it.
 * - Of several sends of one idempotent producer, after a lost answer one may be lost and another written twice. So there
 *   is one at a time; who wants more takes more producers.
 *
 * And after a failure nobody knows how the numbers stand by which the broker tells repetitions, so the producer is thrown
 * away and the next send begins with a new one. What had failed may be in the topic all the same, so it comes twice when
 * it is sent again: a topic repeats, and who follows it must not mind.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@micromart/process/logger';
import type { CompressionTypes, Producer as KafkaJsProducer } from 'kafkajs';
import { createClient } from './client.ts';
import type { PublishedMessage } from './message.ts';
import type { KafkaTopic } from './url.ts';

const METADATA_MAX_AGE_MS = 30_000;
const ACKNOWLEDGE_TIMEOUT_MS = 5_000;
const GOODBYE_MS = 1_000;
/** As many replicas as the topic's min.insync.replicas demands. */
const ALL_IN_SYNC = -1;
const GZIP = 1 satisfies CompressionTypes;

export type Producer = {
  /**
   * Writes messages to a partition in their order, all or (where it throws) maybe none, some or all. One call at a time.
   */
  publish(partition: number, messages: readonly PublishedMessage[]): Promise<void>;
  close(): Promise<void>;
};

/** A producer for a topic that is there; it connects when it first publishes. */
export function createProducer(topic: KafkaTopic, logger: Logger): Producer {
  let current: KafkaJsProducer | undefined;
  let busy = false;

  async function open(): Promise<KafkaJsProducer> {
    const producer = (await createClient(topic, logger)).producer({
      idempotent: true,
      maxInFlightRequests: 1,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      allowAutoTopicCreation: false,
    });
    current = producer;
    await producer.connect();
    return producer;
  }

  async function discard(): Promise<void> {
    const producer = current;
    current = undefined;
    await Promise.race([
      producer?.disconnect().catch(() => {}),
      sleep(GOODBYE_MS, undefined, { ref: false }),
    ]);
  }

  return {
    async publish(partition, messages) {
      if (busy) throw new Error('a producer publishes one batch at a time; take another one besides');
      busy = true;
      try {
        const answers = await (current ?? (await open())).send({
          topic: topic.topic,
          acks: ALL_IN_SYNC,
          timeout: ACKNOWLEDGE_TIMEOUT_MS,
          compression: GZIP,
          messages: messages.map((message) => ({ ...message, partition })),
        });
        const isAcknowledged = answers.length === 1 && answers[0]?.partition === partition;
        if (!isAcknowledged) throw new Error(`partition ${partition} was not acknowledged`);
      } catch (error) {
        await discard();
        throw error;
      } finally {
        busy = false;
      }
    },
    close: discard,
  };
}
