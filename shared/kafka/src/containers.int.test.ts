/** What works with a local Kafka also works with Kafka's own image, where Docker has it. */
import { afterAll, beforeAll } from '@jest/globals';
import { testFollowing } from '@micromart/subscription/follower.contract';
import { describeOn } from '@micromart/testing/describe-on';
import type { AnyKafka } from '@micromart/testing/kafka';
import { kafkaContainer, startKafkaContainer } from '@micromart/testing/kafka-container';
import { testRelay } from './relay.contract.ts';
import { openTestKafkaTopic } from './testing/kafka-source.ts';

const START_CAP_MS = 150_000;

describeOn(kafkaContainer, 'a relay', () => testRelay(startKafkaContainer));

describeOn(kafkaContainer, 'following', () => {
  let kafka: AnyKafka;
  beforeAll(async () => {
    kafka = await startKafkaContainer();
  }, START_CAP_MS);
  afterAll(() => kafka?.close());

  testFollowing((partitions) => openTestKafkaTopic(kafka, partitions));
});
