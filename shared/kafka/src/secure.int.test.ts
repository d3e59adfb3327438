import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { KafkaCluster } from '@micromart/engines/kafka/cluster';
import { createLogger } from '@micromart/process/logger';
import { describeKafka } from '@micromart/testing/describe-kafka';
import { openTestKafka } from '@micromart/testing/kafka';
import { until } from '@micromart/testing/until';
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs';
import { consume } from './consumer.ts';
import { describeFailure } from './failure.ts';
import { createProducer } from './producer.ts';
import { asAdmin } from './testing/admin.ts';
import { ensureTopic } from './topic.ts';
import { type KafkaTopic, parseKafkaUrl } from './url.ts';

const CAP_MS = 120_000;
const PASSWORD = 'p@ss:w/rd';

const logger = createLogger({ name: 'test', level: 'silent' });
const { signal } = new AbortController();

describeKafka('a cluster with authentication', () => {
  let kafka: KafkaCluster;

  beforeAll(async () => {
    kafka = await openTestKafka({
      secure: { user: 'ann', password: PASSWORD },
      settings: () => ({
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'allow.everyone.if.no.acl.found': 'true',
      }),
    });
  }, CAP_MS);

  afterAll(() => kafka?.close());

  const secureTopic = ({
    topic = 'events',
    password = PASSWORD,
    caFile = kafka.caFile,
  }: {
    topic?: string;
    password?: string;
    caFile?: string | undefined;
  } = {}): KafkaTopic =>
    parseKafkaUrl(
      `kafka+ssl://ann:${encodeURIComponent(password)}@${kafka.brokers.join(',')}/${topic}`,
      caFile,
    );

  const make = (topic: KafkaTopic) => ensureTopic(topic, { partitions: 2, logger, signal });

  const failureOf = (topic: KafkaTopic): Promise<string> =>
    make(topic).then(
      () => 'none',
      (error) => describeFailure(error, topic),
    );

  test(
    'accepts messages of a user with the right password',
    async () => {
      const topic = secureTopic();
      await make(topic);
      const producer = createProducer(topic, logger);
      await producer.publish(1, [{ key: 'k', value: 'v', headers: {} }]);
      await producer.close();
    },
    CAP_MS,
  );

  test(
    'refuses a wrong password',
    async () => {
      expect(await failureOf(secureTopic({ password: 'guess' }))).toBe(
        `${kafka.brokers[0]} does not accept the user ann with this password`,
      );
    },
    CAP_MS,
  );

  test(
    'refuses a consumer with a wrong password, which says so and retries',
    async () => {
      const end = new AbortController();
      const states: (string | undefined)[] = [];
      const consuming = consume(
        {
          topic: secureTopic({ password: 'guess' }),
          group: 'readers',
          logger,
          partitions: () => undefined,
          onAssigned() {},
          async onMessages() {},
          resumeAt: () => undefined,
          onState: (failure) => void states.push(failure),
        },
        end.signal,
      );
      await until(() => states.length > 1);
      expect(new Set(states)).toEqual(
        new Set([`${kafka.brokers[0]} does not accept the user ann with this password`]),
      );
      end.abort();
      await consuming;
    },
    CAP_MS,
  );

  test(
    'is not trusted without the certificate of its authority',
    async () => {
      const { brokers, topic, secure } = secureTopic();
      const { user, password } = secure!;
      expect(await failureOf({ brokers, topic, secure: { user, password } })).toContain(
        'is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT); set KAFKA_CA_FILE',
      );
    },
    CAP_MS,
  );

  test(
    'is not connected to when the file of its authority cannot be read',
    async () => {
      expect(await failureOf(secureTopic({ caFile: '/nowhere/ca.pem' }))).toBe(
        'KAFKA_CA_FILE names /nowhere/ca.pem, which cannot be read (ENOENT)',
      );
    },
    CAP_MS,
  );

  test(
    'refuses a client without encryption',
    async () => {
      expect(await failureOf(parseKafkaUrl(`kafka://${kafka.brokers.join(',')}/events`))).toContain(
        'need kafka+ssl://',
      );
    },
    CAP_MS,
  );

  test(
    'refuses a topic to a user without permission',
    async () => {
      const topic = secureTopic({ topic: 'secrets' });
      await asAdmin(secureTopic(), (admin) =>
        admin.createAcls({
          acl: [
            {
              resourceType: AclResourceTypes.TOPIC,
              resourceName: 'secrets',
              resourcePatternType: ResourcePatternTypes.LITERAL,
              principal: 'User:bob',
              host: '*',
              operation: AclOperationTypes.ALL,
              permissionType: AclPermissionTypes.ALLOW,
            },
          ],
        }),
      );
      expect(await failureOf(topic)).toContain('the user ann has no permission for topic secrets at');
    },
    CAP_MS,
  );
});
