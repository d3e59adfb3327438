import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { KafkaCluster } from '@micromart/engines/kafka/cluster';
import { createLogger } from '@micromart/process/logger';
import { testFollowing } from '@micromart/subscription/follower.contract';
import { openTestFollower, testLogger } from '@micromart/subscription/testing/follower';
import { createTestSource } from '@micromart/subscription/testing/source';
import { describeKafka } from '@micromart/testing/describe-kafka';
import { freePort } from '@micromart/testing/free-port';
import { openTestKafka } from '@micromart/testing/kafka';
import { until } from '@micromart/testing/until';
import { messageOf } from './message.ts';
import { openTestKafkaTopic } from './testing/kafka-source.ts';
import { ensureTopic } from './topic.ts';
import { createKafkaTransport } from './transport.ts';
import { parseKafkaUrl } from './url.ts';

const TOPIC_TIMEOUT_MS = 30_000;
/** For joining a group twice on a busy machine. */
const LONG = { capMs: 60_000 };

describeKafka('following Kafka', () => {
  let kafka: KafkaCluster;
  beforeAll(async () => {
    kafka = await openTestKafka();
  }, 120_000);
  afterAll(() => kafka.close());

  testFollowing((partitions) => openTestKafkaTopic(kafka, partitions));

  test('says that its topic has a wrong number of partitions, and follows the feed', async () => {
    const topic = parseKafkaUrl(`kafka://${kafka.brokers.join(',')}/for-another-log`);
    const lines: string[] = [];
    const write = (state: string) => void lines.push(JSON.parse(state).msg);
    const logger = createLogger({ name: 'test', level: 'warn', destination: { write } });
    await ensureTopic(topic, { partitions: 3, logger, signal: AbortSignal.timeout(TOPIC_TIMEOUT_MS) });
    const follower = await openTestFollower();
    const source = createTestSource({ partitions: 2 });
    const transport = createKafkaTransport({ topic, group: 'followers', logger });
    const one = follower.start({ source, transport, limits: { graceMs: 600_000, unassignedMs: 100 } });
    source.appendMany(20);
    await until(() => follower.hasCaughtUp(source), LONG);
    expect(transport.check.optional).toBe(true);
    const where = `topic for-another-log at ${kafka.brokers.join(',')}`;
    const failure = `${where} has 3 partitions and the log 2; name another topic, or delete this one`;
    await until(async () => (await transport.check.check()).detail === failure, LONG);
    await until(() => lines.length > 0, LONG);
    expect(lines).toEqual([`not consuming as followers: ${failure}; retrying`]);
    source.appendMany(20);
    await until(() => follower.hasCaughtUp(source), LONG);
    await one.close();
    await follower.close();
  });

  test('skips and counts messages that are no events, and continues behind them', async () => {
    const follower = await openTestFollower();
    const topic = await openTestKafkaTopic(kafka, 1);
    const source = createTestSource({ partitions: 1 });
    const [first, second] = source.appendMany(2).map((event) => messageOf(source.log, event));
    await topic.publishRaw(0, [
      first!,
      { ...first!, value: '{"specversion":' },
      { ...first!, value: '{}' },
      { ...first!, headers: {} },
      second!,
    ]);
    const transport = topic.transport();
    const one = follower.start({ source, transport, limits: { graceMs: 600_000, unassignedMs: 600_000 } });
    await until(() => follower.hasCaughtUp(source));
    expect(await follower.differences(source)).toEqual([]);
    expect(await follower.counted('subscription_unreadable_messages_total')).toBe(3);
    expect(await transport.check.check()).toEqual({ ok: true });
    await one.close();
    await topic.close();
    await follower.close();
  });
});

describe('a service that follows Kafka', () => {
  test('follows the feed when no broker answers, and says so', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const follower = await openTestFollower();
    const source = createTestSource({ partitions: 2 });
    const transport = createKafkaTransport({
      topic: parseKafkaUrl(`kafka://${address}/cart-events`),
      group: 'followers',
      logger: testLogger,
    });
    const one = follower.start({ source, transport, limits: { unassignedMs: 100 } });
    source.appendMany(20);
    await until(() => follower.hasCaughtUp(source));
    expect(transport.check.optional).toBe(true);
    await until(async () =>
      (await transport.check.check()).detail?.includes(`no broker answers at ${address}`),
    );
    await one.close();
    await follower.close();
  });
});
