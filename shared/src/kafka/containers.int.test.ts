/** What runs on a Kafka of this machine's runs on Kafka's own image as well, where Docker has it. */
import { afterAll, beforeAll } from '@jest/globals';
import { testFollowing } from '../subscription/follower.contract.ts';
import { describeOn } from '../testing/describe-on.ts';
import type { AnyKafka } from '../testing/kafka.ts';
import { kafkaContainer, startKafkaContainer } from '../testing/kafka-container.ts';
import { testRelay } from './relay.contract.ts';
import { openKafkaWay } from './testing/way.ts';

const START_CAP_MS = 150_000;

describeOn(kafkaContainer, 'a relay', () => testRelay(startKafkaContainer));

describeOn(kafkaContainer, 'following', () => {
  let kafka: AnyKafka;
  beforeAll(async () => {
    kafka = await startKafkaContainer();
  }, START_CAP_MS);
  afterAll(() => kafka?.close());

  testFollowing((partitions) => openKafkaWay(kafka, partitions));
});
