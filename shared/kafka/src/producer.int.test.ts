import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { KafkaCluster } from '@micromart/engines/kafka/cluster';
import { createLogger } from '@micromart/process/logger';
import { describeKafka } from '@micromart/testing/describe-kafka';
import { openTestKafka } from '@micromart/testing/kafka';
import { openTcpProxy, type TcpProxy } from '@micromart/testing/tcp-proxy';
import { until } from '@micromart/testing/until';
import { createProducer, type Producer } from './producer.ts';
import { openTestReader, type TestReader } from './testing/reader.ts';
import { ensureTopic } from './topic.ts';
import { type KafkaTopic, parseKafkaUrl } from './url.ts';

const CAP_MS = 120_000;
const LONG = { capMs: 60_000 };
const PARTITIONS = 4;

const { signal } = new AbortController();
const message = (value: string) => ({ key: 'k', value, headers: {} });

/** A broker that is reached only through a proxy, because it advertises the proxy's address. */
async function openKafkaBehindProxy(): Promise<{ kafka: KafkaCluster; proxy: TcpProxy }> {
  const target = { host: '127.0.0.1', port: 0 };
  const proxy = await openTcpProxy(target);
  const settings = () => ({ 'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxy.port}` });
  const kafka = await openTestKafka({ settings });
  target.port = Number(kafka.brokers[0]!.split(':')[1]);
  return { kafka, proxy };
}

describeKafka('publishing', () => {
  let kafka: KafkaCluster;
  let proxy: TcpProxy;
  let topic: KafkaTopic;
  let producer: Producer;
  let reader: TestReader;
  let topics = 0;
  let lines: string[];
  const logger = createLogger({
    name: 'test',
    level: 'debug',
    destination: { write: (line) => void lines.push(JSON.parse(line).msg) },
  });

  beforeAll(async () => {
    ({ kafka, proxy } = await openKafkaBehindProxy());
  }, CAP_MS);

  beforeEach(async () => {
    topics += 1;
    lines = [];
    topic = parseKafkaUrl(`kafka://127.0.0.1:${proxy.port}/topic-${topics}`);
    await ensureTopic(topic, { partitions: PARTITIONS, logger, signal });
    producer = createProducer(topic, logger);
    reader = await openTestReader(topic);
  }, CAP_MS);

  afterEach(async () => {
    await producer?.close();
    await reader?.close();
  });

  afterAll(async () => {
    await kafka?.close();
    await proxy?.close();
  });

  const valuesIn = (partition: number) =>
    (reader.messages.get(partition) ?? []).map(({ value }) => String(value));

  test('needs a topic with as many partitions as the log, and creates a missing one', async () => {
    await Promise.all([1, 2].map(() => ensureTopic(topic, { partitions: PARTITIONS, logger, signal })));
    await expect(ensureTopic(topic, { partitions: 5, logger, signal })).rejects.toThrow(
      `${topic.topic} at ${topic.brokers[0]} has 4 partitions and the log 5`,
    );
  });

  test('puts messages into their partition, in order, with their keys and headers', async () => {
    await producer.publish(2, [{ key: 'ann', value: 'a', headers: { sequence: '1' } }, message('b')]);
    await producer.publish(2, [message('c')]);
    await until(() => valuesIn(2).length === 3);
    expect(valuesIn(2)).toEqual(['a', 'b', 'c']);
    const [first] = reader.messages.get(2)!;
    expect([String(first!.key), String(first!.headers!.sequence)]).toEqual(['ann', '1']);
  });

  test('is refused while a batch is in flight', async () => {
    const first = producer.publish(0, [message('a')]);
    await expect(producer.publish(0, [message('b')])).rejects.toThrow('one batch at a time');
    await first;
    await producer.publish(0, [message('c')]);
    await until(() => valuesIn(0).length === 2);
    expect(valuesIn(0)).toEqual(['a', 'c']);
  });

  test('fails when no broker acknowledges, for example a partition that does not exist', async () => {
    await expect(producer.publish(PARTITIONS, [message('a')])).rejects.toThrow('was not acknowledged');
    await producer.publish(0, [message('b')]);
  });

  test(
    'writes a batch once, although the answer was lost and the batch was sent again',
    async () => {
      await producer.publish(1, [message('a')]);
      proxy.cutReplies();
      const publishing = producer.publish(1, [message('b'), message('c')]);
      await until(() => lines.some((line) => line.includes('Closed connection')));
      proxy.restore();
      await publishing;
      await producer.publish(1, [message('d')]);
      await until(() => valuesIn(1).at(-1) === 'd', LONG);
      expect(valuesIn(1)).toEqual(['a', 'b', 'c', 'd']);
    },
    CAP_MS,
  );

  test(
    'works again after it has failed for good',
    async () => {
      await producer.publish(3, [message('a')]);
      proxy.cutAll();
      await expect(producer.publish(3, [message('b')])).rejects.toThrow();
      proxy.restore();
      await producer.publish(3, [message('c')]);
      await until(() => valuesIn(3).at(-1) === 'c', LONG);
      expect(valuesIn(3)).toEqual(['a', 'c']);
    },
    CAP_MS,
  );
});
