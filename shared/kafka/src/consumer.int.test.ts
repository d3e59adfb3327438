import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { KafkaCluster } from '@micromart/engines/kafka/cluster';
import { createLogger } from '@micromart/process/logger';
import { describeKafka } from '@micromart/testing/describe-kafka';
import { openTestKafka } from '@micromart/testing/kafka';
import { until } from '@micromart/testing/until';
import { consume } from './consumer.ts';
import type { Consumption } from './consumption.ts';
import { createProducer, type Producer } from './producer.ts';
import { asAdmin, deleteTopic } from './testing/admin.ts';
import { ensureTopic } from './topic.ts';
import { type KafkaTopic, parseKafkaUrl } from './url.ts';

const CAP_MS = 120_000;
/** For a rebalance on a busy machine. */
const LONG = { capMs: 60_000 };
const PARTITIONS = 4;

const logger = createLogger({ name: 'test', level: 'silent' });

/** A consumer, and everything that its callbacks got. */
type Member = {
  readonly assigned: (readonly number[] | undefined)[];
  readonly states: (string | undefined)[];
  readonly read: string[];
  leave(): Promise<void>;
};

describeKafka('a consumer', () => {
  let kafka: KafkaCluster;
  let topic: KafkaTopic;
  let producer: Producer;
  let members: Member[];
  let topics = 0;

  beforeAll(async () => {
    kafka = await openTestKafka();
  }, CAP_MS);

  beforeEach(async () => {
    topics += 1;
    topic = parseKafkaUrl(`kafka://${kafka.brokers.join(',')}/topic-${topics}`);
    producer = createProducer(topic, logger);
    members = [];
  });

  afterEach(async () => {
    await Promise.all(members.map((member) => member.leave()));
    await producer.close();
  });

  afterAll(() => kafka?.close());

  const makeTopic = () =>
    ensureTopic(topic, { partitions: PARTITIONS, logger, signal: new AbortController().signal });

  const send = (partition: number, ...values: string[]) =>
    producer.publish(
      partition,
      values.map((value) => ({ key: 'k', value, headers: {} })),
    );

  /** Joins the group; by default it reads everything, and commits that. */
  function join(overrides: Partial<Consumption> = {}): Member {
    const end = new AbortController();
    const next = new Map<number, string>();
    const assigned: Member['assigned'] = [];
    const states: Member['states'] = [];
    const read: string[] = [];
    const consuming = consume(
      {
        topic,
        group: topic.topic,
        logger,
        partitions: () => undefined,
        onAssigned: (partitions) => void assigned.push(partitions),
        onState: (failure) => void states.push(failure),
        async onMessages(partition, messages) {
          read.push(...messages.map(({ value }) => String(value)));
          next.set(partition, String(Number(messages.at(-1)!.offset) + 1));
        },
        resumeAt: (partition) => next.get(partition),
        ...overrides,
      },
      end.signal,
    );
    const member = {
      assigned,
      states,
      read,
      async leave() {
        end.abort();
        await consuming;
      },
    };
    members.push(member);
    return member;
  }

  test(
    'reads each partition in order, from its earliest message',
    async () => {
      await makeTopic();
      await send(0, 'a0', 'a1');
      await send(3, 'd0');
      const { assigned, states, read } = join();
      await until(() => read.length === 3, LONG);
      await send(0, 'a2');
      await until(() => read.length === 4);
      expect(read.filter((value) => value.startsWith('a'))).toEqual(['a0', 'a1', 'a2']);
      expect(assigned.at(-1)).toEqual([0, 1, 2, 3]);
      expect(states.at(-1)).toBeUndefined();
    },
    CAP_MS,
  );

  test(
    'with an instance name gets its partitions again, and the others continue meanwhile',
    async () => {
      await makeTopic();
      const [ann, bob] = [join({ instance: 'ann' }), join({ instance: 'bob' })];
      await until(() => [ann, bob].every(({ assigned }) => assigned.at(-1)?.length === 2), LONG);
      const [rebalances, partitions] = [ann.assigned.length, bob.assigned.at(-1)!];
      await bob.leave();
      const bobAgain = join({ instance: 'bob' });
      await until(() => bobAgain.assigned.length > 0, LONG);
      expect(bobAgain.assigned).toEqual([partitions]);
      await send(partitions[0]!, 'for bob');
      await until(() => bobAgain.read.includes('for bob'));
      expect(ann.assigned).toHaveLength(rebalances);
    },
    CAP_MS,
  );

  test(
    'commits where the next member continues, and has no partitions when it has left',
    async () => {
      await makeTopic();
      await send(1, 'b0', 'b1', 'b2');
      const first = join({ resumeAt: (partition) => (partition === 1 ? '2' : undefined) });
      await until(() => first.read.length === 3, LONG);
      await first.leave();
      expect(first.assigned.at(-1)).toBeUndefined();
      const second = join();
      await until(() => second.read.length === 1, LONG);
      expect(second.read).toEqual(['b2']);
    },
    CAP_MS,
  );

  test.each([
    ['beyond the end', '1000', ['c0', 'c1', 'c2']],
    ['cut off', '1', ['c2']],
  ])(
    'starts at the earliest message when the committed offset is %s',
    async (_, resumeAt, expected) => {
      await makeTopic();
      await send(2, 'c0', 'c1', 'c2');
      const first = join({ resumeAt: () => resumeAt });
      await until(() => first.read.length === 3, LONG);
      await first.leave();
      if (resumeAt === '1') await cutOff(2, '2');
      const second = join();
      await until(() => second.read.length === expected.length, LONG);
      expect(second.read).toEqual(expected);
    },
    CAP_MS,
  );

  test(
    'shares the partitions with a new member, also while a handler is running',
    async () => {
      await makeTopic();
      let held = 0;
      const first = join({
        // Accepts nothing, and waits until the partition is no longer its own.
        onMessages: (_, __, signal) =>
          new Promise((resolve) => {
            held += 1;
            signal.addEventListener('abort', () => resolve());
          }),
      });
      for (const partition of [0, 1, 2, 3]) await send(partition, `p${partition}`);
      await until(() => held > 0, LONG);
      const second = join();
      await until(() => second.assigned.at(-1)?.length === 2 && first.assigned.at(-1)?.length === 2, LONG);
      await until(() => second.read.length === 2, LONG);
      await first.leave();
      await until(() => second.read.length === 4, LONG);
      expect(new Set(second.read).size).toBe(4);
    },
    CAP_MS,
  );

  test(
    'says that there is no topic, and reads it once it exists',
    async () => {
      const { states, read } = join();
      await until(() => states.at(-1)?.startsWith(`there is no topic ${topic.topic}`), LONG);
      await makeTopic();
      await send(0, 'a0');
      await until(() => read.length === 1, LONG);
      expect(states.at(-1)).toBeUndefined();
    },
    CAP_MS,
  );

  test(
    'reads on when its topic is deleted and created again',
    async () => {
      await makeTopic();
      const { read } = join();
      await send(0, 'a0', 'a1', 'a2');
      await until(() => read.length === 3, LONG);
      await deleteTopic(topic);
      await until(() => makeTopic().then(() => true), LONG);
      await until(() => send(0, 'z0').then(() => true), LONG);
      await until(() => read.at(-1) === 'z0', LONG);
    },
    CAP_MS,
  );

  test(
    'joins again after the broker was frozen for too long',
    async () => {
      await makeTopic();
      const { states, assigned, read } = join();
      await send(0, 'a0');
      await until(() => read.length === 1, LONG);
      await kafka.nodes[0]!.kill('SIGSTOP');
      await until(() => states.at(-1) !== undefined, LONG);
      expect(assigned.at(-1)).toBeUndefined();
      await kafka.nodes[0]!.kill('SIGCONT');
      await until(() => send(0, 'a1').then(() => true), LONG);
      await until(() => read.includes('a1'), LONG);
    },
    CAP_MS,
  );

  test(
    'that ends while it joins leaves no member behind',
    async () => {
      await makeTopic();
      await Promise.all([join().leave(), join().leave()]);
      await until(async () => (await membersOfGroup()) === 0, LONG);
      const { assigned } = join();
      await until(() => assigned.at(-1)?.length === PARTITIONS, LONG);
    },
    CAP_MS,
  );

  const cutOff = (partition: number, offset: string) =>
    asAdmin(topic, async (admin) => {
      // The client deletes only from topics that it has fetched before.
      await admin.fetchTopicOffsets(topic.topic);
      await admin.deleteTopicRecords({ topic: topic.topic, partitions: [{ partition, offset }] });
    });

  const membersOfGroup = () =>
    asAdmin(topic, async (admin) => {
      const { groups } = await admin.describeGroups([topic.topic]);
      return groups[0]!.members.length;
    });
});
