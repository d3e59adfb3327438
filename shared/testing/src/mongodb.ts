/**
 * The servers on which the MongoDB suites run. One is FerretDB, if Go can build it; on a CI machine it must. The other is a
 * replica set: the server that `TEST_MONGODB_URL` names, or three containers.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whyNoFerretdb } from '@micromart/engines/ferretdb/build';
import { startFerretdb } from '@micromart/engines/ferretdb/server';
import { MongoClient } from 'mongodb';
import { isAlive } from './is-alive.ts';
import type { TestMongodb, TestMongodbEngine } from './mongodb-engine.ts';
import { startReplicaSet, whyNoReplicaSet } from './mongodb-replica-set.ts';
import { until } from './until.ts';

/** The cap for a suite's set-up: the first start on a machine builds a server, or starts containers. */
export const MONGODB_START_CAP_MS = 900_000;

const { CI, TEST_MONGODB_URL } = process.env;

export const testFerretdb: TestMongodbEngine = {
  name: 'FerretDB',
  atomicUpdates: false,
  whyNot: CI === 'true' ? undefined : await whyNoFerretdb(),
  async start() {
    const folder = await mkdtemp(join(tmpdir(), 'micromart-ferretdb-'));
    let server = await startFerretdb({ folder, port: 0 });
    const port = Number(new URL(server.url).port);
    return {
      freshUrl: () => `${server.url}${freshName()}`,
      async killServer() {
        process.kill(server.pid, 'SIGKILL');
        await until(() => !isAlive(server.pid));
        server = await startFerretdb({ folder, port });
      },
      close: async () => {
        await server.stop();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
};

export const testReplicaSet: TestMongodbEngine = {
  name: 'a MongoDB replica set',
  atomicUpdates: true,
  whyNot: TEST_MONGODB_URL ? undefined : await whyNoReplicaSet(),
  start: async () => (TEST_MONGODB_URL ? useServer(TEST_MONGODB_URL) : startReplicaSet(freshName)),
};

/** Uses a running server; databases created on it are dropped at the end. */
function useServer(url: string): TestMongodb {
  const [, server, options = ''] = /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/.exec(url) ?? [];
  const used: string[] = [];
  return {
    freshUrl: () => {
      used.push(freshName());
      return `${server}/${used.at(-1)}${options}`;
    },
    close: async () => {
      const client = new MongoClient(url);
      for (const name of used) await client.db(name).dropDatabase();
      await client.close();
    },
  };
}

const freshName = (): string => `test_${randomBytes(8).toString('hex')}`;
