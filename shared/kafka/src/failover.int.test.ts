import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { KafkaCluster } from '@micromart/engines/kafka/cluster';
import { createLogger } from '@micromart/process/logger';
import { describeKafka } from '@micromart/testing/describe-kafka';
import { openTestKafka } from '@micromart/testing/kafka';
import { until } from '@micromart/testing/until';
import { Registry } from 'prom-client';
import { createRelayMetrics } from './metrics.ts';
import { type Relay, startRelay } from './relay.ts';
import { asAdmin } from './testing/admin.ts';
import { openTestOwner, type TestOwner } from './testing/owner.ts';
import { openTestReader, type TestReader } from './testing/reader.ts';
import { type KafkaTopic, parseKafkaUrl } from './url.ts';

const CAP_MS = 300_000;
const LONG = { capMs: 120_000 };
const PARTITIONS = Array.from({ length: 16 }, (_, partition) => partition);
const BATCH = 50;

const logger = createLogger({ name: 'test', level: 'silent' });
const upTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1);

describeKafka('three brokers', () => {
  let kafka: KafkaCluster;
  let owner: TestOwner;
  let topic: KafkaTopic;
  let relay: Relay;
  let reader: TestReader;

  beforeAll(async () => {
    kafka = await openTestKafka({ brokers: 3 });
  }, CAP_MS);

  beforeEach(async () => {
    owner = await openTestOwner();
    const url = `kafka://${kafka.brokers.join(',')}/events`;
    topic = parseKafkaUrl(url);
    const { log, pool, url: lockUrl } = owner;
    relay = startRelay({ log, pool, lockUrl, url, metrics: createRelayMetrics(new Registry()), logger });
    reader = await until(() => openTestReader(topic), LONG);
  }, CAP_MS);

  afterEach(async () => {
    await reader?.close();
    await relay?.close();
    await owner?.close();
  });

  afterAll(() => kafka?.close());

  test(
    'keep every message in three copies, and all are published whichever broker is killed',
    async () => {
      const { topics } = await asAdmin(topic, (admin) => admin.fetchTopicMetadata({ topics: [topic.topic] }));
      expect(topics[0]!.partitions.every(({ replicas }) => replicas.length === 3)).toBe(true);

      let appended = 0;
      const append = async () => {
        for (const partition of PARTITIONS) await owner.append(partition, BATCH);
        appended += BATCH;
        owner.log.notifyAppended([], new Map());
      };
      const isRead = (last: number) =>
        PARTITIONS.every((partition) => reader.sequences(partition).length >= last);

      await append();
      await until(() => isRead(appended), LONG);
      // One after the other, so that leaders, the group's coordinator and the controller are killed too.
      for (const node of kafka.nodes) {
        await append();
        await node.kill('SIGKILL');
        await append();
        await until(() => isRead(appended), LONG);
        await node.restart();
      }
      for (const partition of PARTITIONS) expect(reader.sequences(partition)).toEqual(upTo(appended));
      await until(async () => (await relay.check.check()).ok);
    },
    CAP_MS,
  );
});
