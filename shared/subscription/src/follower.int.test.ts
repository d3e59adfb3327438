import { describe } from '@jest/globals';
import { testFollowing } from './follower.contract.ts';
import { createTestBroker } from './testing/broker.ts';

describe('following the feed', () => {
  testFollowing(async () => ({
    transport: () => undefined,
    publish: async () => {},
    recreate: async () => {},
    close: async () => {},
  }));
});

describe('following a broker that is in memory', () => {
  testFollowing(async (partitions) => {
    const broker = createTestBroker({ partitions });
    return {
      transport: broker.transport,
      publish: async (log, events) => broker.publish(log, events),
      recreate: async () => broker.recreate(),
      close: async () => {},
    };
  });
});
