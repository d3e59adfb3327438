/**
 * Publishes to a topic's partitions, with acknowledgement. Two bugs of kafkajs, each of which loses messages silently, decide
 * how:
 *
 * - A send to several partitions that is retried after a leader has changed takes one broker's answer for both. So each send
 *   is for one partition, and its answer must name that partition.
 * - When one idempotent producer has several sends in flight and an answer is lost, one may be lost and another written twice.
 *   So a producer sends one batch at a time; more concurrency needs more producers.
 *
 * After a failure, client and broker may disagree about the producer's sequence numbers, by which the broker detects
 * repetitions. So the producer is discarded, and the next send creates a new one. A failed batch may be in the topic, and is
 * there twice when it is sent again: a topic repeats, and its followers must allow for that.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@micromart/process/logger';
import type { CompressionTypes, Producer as KafkaJsProducer } from 'kafkajs';
import { createClient } from './client.ts';
import type { PublishedMessage } from './message.ts';
import type { KafkaTopic } from './url.ts';

const METADATA_MAX_AGE_MS = 30_000;
const ACKNOWLEDGE_TIMEOUT_MS = 5_000;
const DISCONNECT_TIMEOUT_MS = 1_000;
/** As many replicas as the topic's min.insync.replicas requires. */
const ALL_IN_SYNC = -1;
const GZIP = 1 satisfies CompressionTypes;

export type Producer = {
  /**
   * Writes messages to a partition in their order. When it throws, none, some or all may be written. One call at a time.
   */
  publish(partition: number, messages: readonly PublishedMessage[]): Promise<void>;
  close(): Promise<void>;
};

/** A producer for an existing topic; it connects when it first publishes. */
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
      sleep(DISCONNECT_TIMEOUT_MS, undefined, { ref: false }),
    ]);
  }

  return {
    async publish(partition, messages) {
      if (busy) throw new Error('a producer publishes one batch at a time; create another one for more');
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
