/**
 * The Kafka of a system under faults: real brokers, and a proxy before each. They serve clients at a listener of its
 * own, for which they tell them to come to the proxy; among themselves they talk directly.
 */
import { join } from 'node:path';
import { type KafkaCluster, type KafkaNode, startKafka } from '@micromart/engines/kafka/cluster';
import { kafkaPorts } from '@micromart/launcher/system';
import { freePortBase } from '@micromart/launcher/testing/free-port-base';
import { openTcpProxy, type TcpProxy } from '@micromart/testing/tcp-proxy';

export type Brokers = {
  /** Where clients begin: `host:port,host:port`, by the proxies. */
  readonly addresses: string;
  readonly nodes: readonly KafkaNode[];
  /** The proxy in front of each node. */
  readonly links: readonly TcpProxy[];
  close(): Promise<void>;
};

const HOST = '127.0.0.1';

export async function openBrokers({ home, count }: { home: string; count: number }): Promise<Brokers> {
  const ports = kafkaPorts(await freePortBase(), count);
  const clientPorts = kafkaPorts(await freePortBase(), count).map(({ broker }) => broker);
  const links = await Promise.all(clientPorts.map((port) => openTcpProxy({ host: HOST, port })));
  const closeLinks = () => Promise.all(links.map((link) => link.close()));
  const settings = (id: number) => {
    const { broker, controller } = ports[id - 1]!;
    const own = `PLAINTEXT://${HOST}:${broker}`;
    return {
      listeners: `${own},CLIENTS://${HOST}:${clientPorts[id - 1]},CONTROLLER://${HOST}:${controller}`,
      'advertised.listeners': `${own},CLIENTS://${HOST}:${links[id - 1]!.port}`,
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CLIENTS:PLAINTEXT',
    };
  };
  let cluster: KafkaCluster;
  try {
    cluster = await startKafka({ folder: join(home, 'kafka'), ports, settings });
  } catch (error) {
    await closeLinks();
    throw error;
  }
  return {
    addresses: links.map(({ port }) => `${HOST}:${port}`).join(','),
    nodes: cluster.nodes,
    links,
    async close() {
      for (const link of links) link.restore();
      await cluster.close();
      await closeLinks();
    },
  };
}
