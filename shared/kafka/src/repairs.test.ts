import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '@micromart/process/logger';
import { until } from '@micromart/testing/until';
import { createClient } from './client.ts';
import { parseKafkaUrl } from './url.ts';

const require = createRequire(import.meta.url);
const RequestQueue = require('kafkajs/src/network/requestQueue/index.js');
const Broker = require('kafkajs/src/broker/index.js');
const Connection = require('kafkajs/src/network/connection.js');
const createSocketFactory = require('kafkajs/src/network/socketFactory.js');
const Encoder = require('kafkajs/src/protocol/encoder.js');
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
    queue = new RequestQueue({ logger: {}, maxInFlightRequests: 1, enforceRequestTimeout: true });
    queue.checkPendingRequests = () => {
      checks += 1;
    };
  });

  test('set no timer when none is pending', () => {
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });

  test('set one timer while some are pending', async () => {
    queue.pending.push({});
    queue.scheduleCheckPendingRequests();
    const timer = queue.throttleCheckTimeoutId;
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).toBe(timer);
    await until(() => checks === 1);
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });

  test('are not checked for timeouts while none is in flight', () => {
    queue.scheduleRequestTimeoutCheck();
    expect(queue.requestTimeoutIntervalId).toBeUndefined();
  });

  test('wait as long as the broker throttles', () => {
    queue.pending.push({});
    queue.throttledUntil = Date.now() + 60_000;
    queue.scheduleCheckPendingRequests();
    // biome-ignore lint/suspicious/noExplicitAny: what Node's timers do not declare
    expect((queue.throttleCheckTimeoutId as any)._idleTimeout).toBeGreaterThan(50_000);
    clearTimeout(queue.throttleCheckTimeoutId);
  });
});

describe('a connection', () => {
  const silent = () => {};
  const logger = { namespace: () => ({ debug: silent, warn: silent, error: silent }) };
  // biome-ignore lint/suspicious/noExplicitAny: it is the library's own
  let connection: any;
  let server: Server;

  beforeEach(async () => {
    server = createServer(() => {}).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { address: host, port } = server.address() as AddressInfo;
    const limits = { requestTimeout: 10, connectionTimeout: 5_000 };
    connection = new Connection({ host, port, ...limits, logger, socketFactory: createSocketFactory() });
  });
  afterEach(() => {
    connection.socket.destroy();
    server.close();
  });

  test('that does not answer is closed', async () => {
    await connection.connect();
    const request = { apiKey: 18, apiVersion: 0, apiName: 'ApiVersions', encode: async () => new Encoder() };
    await expect(connection.send({ request })).rejects.toMatchObject({ name: 'KafkaJSRequestTimeoutError' });
    expect(connection.isConnected()).toBe(false);
    expect(connection.socket.destroyed).toBe(true);
  });

  test('that is opened again starts with an empty buffer', async () => {
    Object.assign(connection, { chunks: [Buffer.from('half')], bytesBuffered: 4, bytesNeeded: 99 });
    await connection.connect();
    expect(connection).toMatchObject({ chunks: [], bytesBuffered: 0, bytesNeeded: 4 });
  });
});

test.each([{ name: 'KafkaJSConnectionClosedError' }, { name: 'KafkaJSConnectionError', code: 'ECONNRESET' }])(
  'a broker that closes a connection at once (%o) counts as unavailable, so that another one is asked',
  async (failure) => {
    const getConnection = () => Promise.reject(Object.assign(new Error('oh'), failure));
    const connectionPool = { isConnected: () => false, getConnection };
    const broker = new Broker({ connectionPool, logger: { namespace() {} }, nodeId: 1 });
    const unavailable = { name: 'KafkaJSConnectionError', code: 'ECONNREFUSED' };
    await expect(broker.connect()).rejects.toMatchObject(unavailable);
  },
);

describe("a group's member whose coordinator", () => {
  const heartbeat = (error: Error) => {
    const group = new ConsumerGroup({ logger: { namespace() {} } });
    const coordinator = { heartbeat: () => Promise.reject(error) };
    return Object.assign(group, { memberId: 'ann', lastRequest: 0, coordinator }).heartbeat({ interval: 1 });
  };
  const failure = (name: string, type?: string) => Object.assign(new Error('oh'), { name, type });

  test.each(['KafkaJSConnectionError', 'KafkaJSConnectionClosedError'])(
    'is unavailable (%s) looks for another one',
    async (name) => {
      await expect(heartbeat(failure(name))).rejects.toMatchObject({ type: 'NOT_COORDINATOR_FOR_GROUP' });
    },
  );

  test('answers with an error gets that error', async () => {
    const beat = heartbeat(failure('KafkaJSProtocolError', 'UNKNOWN_MEMBER_ID'));
    await expect(beat).rejects.toMatchObject({ type: 'UNKNOWN_MEMBER_ID' });
  });
});
