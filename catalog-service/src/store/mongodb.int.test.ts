import { afterAll, beforeAll } from '@jest/globals';
import {
  describeOn,
  MONGODB_START_CAP_MS,
  type TestMongodb,
  testFerretdb,
  testReplicaSet,
} from '@micromart/shared/testing/mongodb';
import { openMongodbReader } from './mongodb-reader.ts';
import { openMongodbWriter } from './mongodb-writer.ts';
import { describeCatalogStore } from './store.contract.ts';

const fail = (error: unknown) => {
  throw error;
};

for (const engine of [testFerretdb, testReplicaSet]) {
  describeOn(engine, 'the MongoDB store', () => {
    let server: TestMongodb;

    beforeAll(async () => {
      server = await engine.start();
    }, MONGODB_START_CAP_MS);
    afterAll(() => server?.close());

    describeCatalogStore(engine.name, async () => {
      const url = server.freshUrl();
      return {
        openWriter: () => openMongodbWriter(url, { onError: fail }),
        openReader: async () => openMongodbReader(url),
        close: async () => {},
      };
    });
  });
}
