import { createRequire } from 'node:module';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '../process/logger.ts';
import { until } from '../testing/until.ts';
import { createClient } from './client.ts';
import { parseKafkaUrl } from './url.ts';

const require = createRequire(import.meta.url);
const RequestQueue = require('kafkajs/src/network/requestQueue/index.js');
const ConsumerGroup = require('kafkajs/src/consumer/consumerGroup.js');

beforeAll(() =>
  createClient(parseKafkaUrl('kafka://nowhere/events'), createLogger({ name: 'test', level: 'silent' })),
);

describe("a connection's requests", () => {
  let checks: number;
  // biome-ignore lint/suspicious/noExplicitAny: it is the library's own
  let queue: any;

  beforeEach(() => {
    checks = 0;
    queue = new RequestQueue({ logger: {}, maxInFlightRequests: 1 });
    queue.checkPendingRequests = () => {
      checks += 1;
    };
  });

  test('set no timer when none is waiting', () => {
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });

  test('set one timer while some are waiting', async () => {
    queue.pending.push({});
    queue.scheduleCheckPendingRequests();
    const timer = queue.throttleCheckTimeoutId;
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).toBe(timer);
    await until(() => checks === 1);
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });

  test('wait until the broker wants some', () => {
    queue.pending.push({});
    queue.throttledUntil = Date.now() + 60_000;
    queue.scheduleCheckPendingRequests();
    // biome-ignore lint/suspicious/noExplicitAny: what Node's timers do not declare
    expect((queue.throttleCheckTimeoutId as any)._idleTimeout).toBeGreaterThan(50_000);
    clearTimeout(queue.throttleCheckTimeoutId);
  });
});

describe("a group's member whose coordinator", () => {
  const heartbeat = (error: Error) => {
    const group = new ConsumerGroup({ logger: { namespace() {} } });
    const coordinator = { heartbeat: () => Promise.reject(error) };
    return Object.assign(group, { memberId: 'ann', lastRequest: 0, coordinator }).heartbeat({ interval: 1 });
  };
  const failure = (name: string, type?: string) => Object.assign(new Error('oh'), { name, type });

  test.each(['KafkaJSConnectionError', 'KafkaJSConnectionClosedError'])(
    'is gone (%s) looks for another one',
    async (name) => {
      await expect(heartbeat(failure(name))).rejects.toMatchObject({ type: 'NOT_COORDINATOR_FOR_GROUP' });
    },
  );

  test('says something hears what it says', async () => {
    const said = heartbeat(failure('KafkaJSProtocolError', 'UNKNOWN_MEMBER_ID'));
    await expect(said).rejects.toMatchObject({ type: 'UNKNOWN_MEMBER_ID' });
  });
});
