import {
  type Counter,
  describeChangeStore,
  type EngineTraits,
} from '@micromart/event-log/change-store.contract';
import { describeEventLog } from '@micromart/event-log/event-log.contract';
import { openMongodb } from '@micromart/mongodb/open';
import { describeOn } from '@micromart/testing/describe-on';
import { MONGODB_START_CAP_MS, testFerretdb, testReplicaSet } from '@micromart/testing/mongodb';
import type { TestMongodbEngine } from '@micromart/testing/mongodb-engine';
import { openMongodbChangeStore } from './changes.ts';
import { openMongodbLog } from './log.ts';

const fail = (error: unknown) => {
  throw error;
};

const traitsOf = ({ name, atomicUpdates, start }: TestMongodbEngine): EngineTraits => ({
  name,
  severalWriters: atomicUpdates,
  handsOutEvents: false,
  async start() {
    const server = await start();
    const url = server.freshUrl();
    return {
      async openStore() {
        const mongodb = openMongodb(url, { max: 10, name: 'test' });
        const log = await openMongodbLog(mongodb, { family: 'test', source: '/test' });
        const options = { collection: 'counters', log, keysOf: () => ({}), onError: fail };
        const store = await openMongodbChangeStore<Counter>(mongodb, options);
        return { store, log, close: mongodb.close };
      },
      close: server.close,
    };
  },
});

for (const engine of [testFerretdb, testReplicaSet]) {
  describeOn(engine, 'MongoDB', () => {
    describeEventLog(traitsOf(engine), MONGODB_START_CAP_MS);
    describeChangeStore(traitsOf(engine), MONGODB_START_CAP_MS);
  });
}
