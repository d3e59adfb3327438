/** What a relay promises; the tests of each kind of Kafka run it: a local one, and one in a container. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createLogger, type Logger } from '@micromart/process/logger';
import { freePort } from '@micromart/testing/free-port';
import type { AnyKafka } from '@micromart/testing/kafka';
import { until } from '@micromart/testing/until';
import { Registry } from 'prom-client';
import { readMessage } from './message.ts';
import { createRelayMetrics } from './metrics.ts';
import { type Relay, startRelay } from './relay.ts';
import { createRelayPositions, Overtaken } from './relay-positions.ts';
import { deleteTopic } from './testing/admin.ts';
import { openTestOwner, type TestOwner } from './testing/owner.ts';
import { openTestReader, type TestReader } from './testing/reader.ts';
import { ensureTopic } from './topic.ts';
import { type KafkaTopic, parseKafkaUrl } from './url.ts';

const CAP_MS = 120_000;
/** For a restarted broker, or a member that joins its group again, on a busy machine. */
const LONG = { capMs: 60_000 };

const upTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1);

export function testRelay(openKafka: () => Promise<AnyKafka>): void {
  let kafka: AnyKafka;
  let owner: TestOwner;
  let topic: KafkaTopic;
  let url: string;
  let lines: string[];
  let logger: Logger;
  let registry: Registry;
  let closers: (() => Promise<void>)[];
  let topics = 0;

  beforeAll(async () => {
    kafka = await openKafka();
  }, CAP_MS);

  beforeEach(async () => {
    owner = await openTestOwner();
    topics += 1;
    url = `kafka://${kafka.brokers.join(',')}/events-${topics}`;
    topic = parseKafkaUrl(url);
    lines = [];
    logger = createLogger({
      name: 'test',
      level: 'warn',
      destination: { write: (line) => void lines.push(JSON.parse(line).msg) },
    });
    registry = new Registry();
    closers = [];
  });

  afterEach(async () => {
    for (const close of closers.toReversed()) await close();
    await owner.close();
  });

  afterAll(() => kafka?.close());

  const relayTo = (url: string, metrics = createRelayMetrics(new Registry())): Relay => {
    const { log, pool, url: lockUrl } = owner;
    const relay = startRelay({ log, pool, lockUrl, url, metrics, logger });
    closers.push(relay.close);
    return relay;
  };
  const read = async (): Promise<TestReader> => {
    const reader = await openTestReader(topic);
    closers.push(reader.close);
    return reader;
  };
  const positions = () => createRelayPositions(owner.pool, { topic: topic.topic, log: owner.log });
  const published = async (partition: number) => (await positions().read()).get(partition);

  test(
    'publishes each partition of the log, in order, to the partition of the same number',
    async () => {
      for (const partition of [0, 7, 15]) await owner.append(partition, 1_500);
      relayTo(url, createRelayMetrics(registry));
      const reader = await until(read, LONG);
      await until(() => [0, 7, 15].every((partition) => reader.sequences(partition).length === 1_500), LONG);
      expect(reader.messages.size).toBe(3);
      expect(reader.sequences(7)).toEqual(upTo(1_500));
      expect(await published(7)).toBe(1_500);

      const message = reader.messages.get(7)![41]!;
      const [event] = await owner.log.page(7, 41, 1);
      expect(readMessage(message)).toEqual({ log: owner.log.name, event });
      expect(String(message.key)).toBe(event!.partitionkey);
      expect(String(message.headers!['content-type'])).toBe('application/cloudevents+json');

      const metrics = await registry.metrics();
      expect(metrics).toContain('relay_events_published_total 4500');
      expect(metrics).toContain('relay_lag_events 0');
      expect(lines).toEqual([]);
    },
    CAP_MS,
  );

  test(
    'publishes what is committed while it runs, by this process or another',
    async () => {
      relayTo(url);
      const reader = await until(read, LONG);
      await owner.append(3, 1);
      await until(() => reader.sequences(3).length === 1);
      await owner.append(3, 1);
      owner.log.notifyAppended([], new Map());
      await until(() => reader.sequences(3).length === 2);
    },
    CAP_MS,
  );

  test(
    'continues where another one stopped, and only one publishes at a time',
    async () => {
      const first = relayTo(url);
      await owner.append(1, 10);
      await until(async () => (await published(1)) === 10);
      relayTo(url);
      await owner.append(1, 10);
      await until(async () => (await published(1)) === 20);
      await first.close();
      await owner.append(1, 10);
      await until(async () => (await published(1)) === 30);
      const reader = await read();
      await until(() => reader.messages.get(1)?.length === 30);
      expect(reader.sequences(1)).toEqual(upTo(30));
    },
    CAP_MS,
  );

  test(
    'skips nothing when another one has moved its positions',
    async () => {
      relayTo(url);
      await owner.append(1, 10);
      await until(async () => (await published(1)) === 10);
      // A second relay took over before the first had stored its positions.
      await positions().move([{ partition: 1, from: 10, to: 4 }]);
      await owner.append(1, 10);
      await until(async () => (await published(1)) === 20);
      await expect(positions().move([{ partition: 1, from: 10, to: 30 }])).rejects.toThrow(Overtaken);
      const reader = await read();
      await until(() => reader.sequences(1).length === 20);
      expect(reader.sequences(1)).toEqual(upTo(20));
    },
    CAP_MS,
  );

  test(
    'says that it cannot publish while Kafka is unavailable, and catches up',
    async () => {
      const relay = relayTo(url);
      await owner.append(2, 10);
      await until(async () => (await published(2)) === 10);
      expect(await relay.check.check()).toEqual({ ok: true });

      await kafka.nodes[0]!.kill('SIGKILL');
      await owner.append(2, 10);
      const broker = kafka.brokers.join(',');
      const detail = `no broker answers at ${broker}`;
      await until(async () => (await relay.check.check()).detail === detail, LONG);
      await until(() => lines.length > 0, LONG);
      expect(lines).toEqual([`not publishing: ${detail}; retrying`]);

      await kafka.nodes[0]!.restart();
      await until(async () => (await published(2)) === 20, LONG);
      await until(async () => (await relay.check.check()).ok, LONG);
      const reader = await until(read, LONG);
      await until(() => reader.sequences(2).length === 20, LONG);
      expect(reader.sequences(2)).toEqual(upTo(20));
    },
    CAP_MS,
  );

  test(
    'continues when its topic was deleted',
    async () => {
      const relay = relayTo(url);
      await owner.append(5, 10);
      await until(async () => (await published(5)) === 10);
      await deleteTopic(topic);
      await owner.append(5, 10);
      await until(async () => (await published(5)) === 20, LONG);
      expect(await relay.check.check()).toEqual({ ok: true });
      const reader = await until(read, LONG);
      await until(() => reader.sequences(5).at(-1) === 20, LONG);
    },
    CAP_MS,
  );

  test(
    'publishes nothing to a topic with another number of partitions',
    async () => {
      const { signal } = new AbortController();
      await ensureTopic(topic, { partitions: 3, logger, signal });
      const relay = relayTo(url);
      await owner.append(1, 10);
      const { detail } = await until(async () => {
        const state = await relay.check.check();
        return !state.ok && state;
      }, LONG);
      expect(detail).toContain(
        `${topic.topic} at ${kafka.brokers.join(',')} has 3 partitions and the log 16`,
      );
      await until(() => lines.length > 0, LONG);
      expect(lines).toEqual([`not publishing: ${detail}; retrying`]);
      expect(await published(1)).toBe(0);
    },
    CAP_MS,
  );

  test(
    'says that there is no broker, and still closes in time',
    async () => {
      const nowhere = `127.0.0.1:${await freePort()}`;
      const relay = relayTo(`kafka://${nowhere}/events`);
      await until(async () => (await relay.check.check()).detail === `no broker answers at ${nowhere}`, LONG);
      await relay.close();
    },
    CAP_MS,
  );
}
