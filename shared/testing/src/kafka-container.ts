import { environmentOf, killContainer, noImage, startContainer } from './containers.ts';
import type { TestEngine } from './describe-on.ts';
import { freePort } from './free-port.ts';
import type { AnyKafka } from './kafka.ts';

const IMAGE = 'apache/kafka:4.3.0';
const HOST = '127.0.0.1';
const CONTROLLER_PORT = 9093;

export const kafkaContainer: TestEngine = {
  name: "Kafka's image",
  whyNot: (await environmentOf(IMAGE)) === undefined ? noImage(IMAGE) : undefined,
};

/**
 * Starts one broker in a container. A broker tells clients its own address, so it listens inside on the same port that
 * reaches it from outside, and keeps that port when it restarts.
 */
export async function startKafkaContainer(): Promise<AnyKafka> {
  const { Wait } = await import('testcontainers');
  const port = await freePort();
  const container = await startContainer(IMAGE, (prepared) =>
    prepared
      .withExposedPorts({ container: port, host: port })
      .withEnvironment(settingsFor(port))
      .withWaitStrategy(Wait.forLogMessage('Kafka Server started')),
  );
  return {
    brokers: [`${HOST}:${port}`],
    nodes: [{ kill: () => killContainer(container), restart: () => container.restart() }],
    close: async () => {
      await container.stop();
    },
  };
}

/** The image reads the server's settings from variables: `KAFKA_NODE_ID` is `node.id`. */
const settingsFor = (port: number): Record<string, string> => ({
  KAFKA_NODE_ID: '1',
  KAFKA_PROCESS_ROLES: 'broker,controller',
  KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
  KAFKA_CONTROLLER_QUORUM_VOTERS: `1@${HOST}:${CONTROLLER_PORT}`,
  KAFKA_LISTENERS: `PLAINTEXT://:${port},CONTROLLER://${HOST}:${CONTROLLER_PORT}`,
  KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://${HOST}:${port}`,
  KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
  KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '3',
  KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
  KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
  KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
  KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
  KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
});
