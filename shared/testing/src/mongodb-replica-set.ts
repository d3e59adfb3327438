import { MongoClient } from 'mongodb';
import { environmentOf, killContainer, noImage, startContainer } from './containers.ts';
import { freePort } from './free-port.ts';
import type { TestMongodb } from './mongodb-engine.ts';
import { until } from './until.ts';

const IMAGE = 'mongo:8';
const MEMBERS = 3;
const SET = 'micromart';
const START_CAP_MS = 120_000;
/** The default of ten seconds would make tests wait. */
const ELECTION_TIMEOUT_MS = 2_000;

/** Why no replica set can start in containers here; undefined if it can. */
export async function whyNoReplicaSet(): Promise<string | undefined> {
  const environment = await environmentOf(IMAGE);
  if (environment === undefined) return `${noImage(IMAGE)}, or set TEST_MONGODB_URL`;
  if (!environment.includes('MONGO_VERSION'))
    return `the image ${IMAGE} here is a stand-in without replica sets; docker pull ${IMAGE}, or set TEST_MONGODB_URL`;
  return undefined;
}

/**
 * Starts a replica set of three. Each member is a container on the host's network, because members tell clients each
 * other's addresses, which must be the same for all.
 */
export async function startReplicaSet(freshName: () => string): Promise<TestMongodb> {
  const { Wait } = await import('testcontainers');
  const ports = await Promise.all(Array.from({ length: MEMBERS }, freePort));
  const containers = await Promise.all(
    ports.map((port) =>
      startContainer(IMAGE, (container) =>
        container
          .withNetworkMode('host')
          .withCommand(['mongod', '--replSet', SET, '--bind_ip', '127.0.0.1', '--port', String(port)])
          .withWaitStrategy(Wait.forLogMessage('Waiting for connections')),
      ),
    ),
  );
  const hosts = ports.map((port) => `127.0.0.1:${port}`);
  const url = (database: string) => `mongodb://${hosts.join(',')}/${database}?replicaSet=${SET}`;
  const client = new MongoClient(url('admin'));
  const primary = async (): Promise<string> => (await client.db('admin').command({ hello: 1 })).primary;

  const first = new MongoClient(`mongodb://${hosts[0]}/admin?directConnection=true`);
  await first.db().command({
    replSetInitiate: {
      _id: SET,
      members: hosts.map((host, _id) => ({ _id, host })),
      settings: { electionTimeoutMillis: ELECTION_TIMEOUT_MS },
    },
  });
  await first.close();
  await until(primary, { capMs: START_CAP_MS });

  return {
    freshUrl: () => url(freshName()),
    async killServer() {
      const killed = await primary();
      const container = containers[hosts.indexOf(killed)]!;
      await killContainer(container);
      await until(async () => (await primary()) !== killed, { capMs: START_CAP_MS });
      await container.restart();
    },
    async close() {
      await client.close();
      await Promise.all(containers.map((container) => container.stop()));
    },
  };
}
