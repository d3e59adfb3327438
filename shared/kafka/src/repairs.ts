/**
 * Repairs faults of kafkajs that cannot be handled from outside, by replacing methods inside it. The version is pinned, and the
 * tests beside this file and failover.int.test.ts fail when a repair no longer works.
 */
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

const LEAST_TIMER_MS = 10;
/** How much later than its limit a request may time out. */
const TIMEOUT_CHECK_MS = 1_000;
const FRAME_LENGTH_BYTES = 4;

/** Repairs the loaded kafkajs. Call it once. */
export function repairKafkaJs(): void {
  const require = createRequire(import.meta.url);
  const queue = require('kafkajs/src/network/requestQueue/index.js').prototype;
  queue.scheduleCheckPendingRequests = scheduleCheck;
  queue.scheduleRequestTimeoutCheck = startTimeoutChecks;
  queue.sendSocketRequest = sendWatched(queue.sendSocketRequest);
  const connection = require('kafkajs/src/network/connection.js').prototype;
  connection.connect = connectWithEmptyBuffer(connection.connect);
  connection.send = sendOrClose(connection.send);
  const broker = require('kafkajs/src/broker/index.js').prototype;
  broker.connect = connectOrBeUnavailable(broker.connect);
  const group = require('kafkajs/src/consumer/consumerGroup.js').prototype;
  group.heartbeat = heartbeatOrRejoin(group.heartbeat);
}

type SentRequest = { readonly sentAt: number; readonly requestTimeout: number; timeoutRequest(): void };
type RequestQueue = {
  readonly pending: readonly unknown[];
  readonly inflight: ReadonlyMap<number, SentRequest>;
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  requestTimeoutIntervalId: NodeJS.Timeout | undefined;
  checkPendingRequests(): void;
};

/**
 * kafkajs would check each connection for pending requests every millisecond, because it sets timers whose time is past. A
 * check is only needed when a request is pending, and not while the broker throttles.
 */
function scheduleCheck(this: RequestQueue): void {
  if (this.pending.length === 0 || this.throttleCheckTimeoutId) return;
  const waitMs = Math.max(this.throttledUntil - Date.now(), LEAST_TIMER_MS);
  this.throttleCheckTimeoutId = setTimeout(() => {
    this.throttleCheckTimeoutId = null;
    this.checkPendingRequests();
  }, waitMs);
}

/**
 * kafkajs would check each connection for timed-out requests many times a second, also when none is in flight, which an idle
 * follower would pay for. A check is only needed while requests are in flight, and once a second is enough.
 */
function startTimeoutChecks(this: RequestQueue): void {
  clearTimeout(this.requestTimeoutIntervalId);
  this.requestTimeoutIntervalId = undefined;
  checkTimeoutsLater(this);
}

const sendWatched = (send: (this: RequestQueue, request: SentRequest) => void) =>
  function (this: RequestQueue, request: SentRequest): void {
    send.call(this, request);
    checkTimeoutsLater(this);
  };

function checkTimeoutsLater(queue: RequestQueue): void {
  if (queue.inflight.size === 0 || queue.requestTimeoutIntervalId) return;
  queue.requestTimeoutIntervalId = setTimeout(() => {
    queue.requestTimeoutIntervalId = undefined;
    for (const request of queue.inflight.values())
      if (Date.now() - request.sentAt > request.requestTimeout) request.timeoutRequest();
    checkTimeoutsLater(queue);
  }, TIMEOUT_CHECK_MS);
}

type Connection = {
  readonly socket: Socket;
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  isConnected(): boolean;
  rejectRequests(error: unknown): void;
  disconnect(): Promise<unknown>;
};

/** kafkajs would append what a reopened connection reads to the half answer that the old one left in the buffer. */
const connectWithEmptyBuffer = (connect: () => Promise<true>) =>
  function (this: Connection): Promise<true> {
    if (!this.isConnected())
      Object.assign(this, { chunks: [], bytesBuffered: 0, bytesNeeded: FRAME_LENGTH_BYTES });
    return connect.call(this);
  };

/**
 * kafkajs would keep a connection that no longer answers, and each further attempt would time out on it too, for minutes. So
 * a timeout closes the connection, and the next attempt opens another one.
 */
const sendOrClose = (send: (request: unknown) => Promise<unknown>) =>
  async function (this: Connection, request: unknown): Promise<unknown> {
    try {
      return await send.call(this, request);
    } catch (error) {
      if ((error as Error).name === 'KafkaJSRequestTimeoutError' && this.isConnected()) {
        this.rejectRequests(error);
        this.socket.destroy();
        await this.disconnect();
      }
      throw error;
    }
  };

/**
 * A broker that is stopping, or a proxy before a dead one, accepts a connection and closes it at once. kafkajs would ask it
 * again until it gives up. It is as unavailable as a broker that refuses connections, so kafkajs gets that error and asks
 * another broker.
 */
const connectOrBeUnavailable = (connect: () => Promise<void>) =>
  async function (this: object): Promise<void> {
    try {
      await connect.call(this);
    } catch (error) {
      const { name, code } = error as NodeJS.ErrnoException;
      const isClosed = name === 'KafkaJSConnectionClosedError' || code === 'ECONNRESET';
      if (!isClosed) throw error;
      throw Object.assign(error as Error, { name: 'KafkaJSConnectionError', code: 'ECONNREFUSED' });
    }
  };

type Heartbeat = (this: object, options: { interval: number }) => Promise<void>;

/**
 * When the coordinator of its group is dead, a kafkajs consumer would ask it until it gives up, and its successor would have to
 * wait until its session expires. With the error of a broker that is no longer the coordinator, it looks for the new one.
 */
const heartbeatOrRejoin = (heartbeat: Heartbeat): Heartbeat =>
  async function (options) {
    try {
      await heartbeat.call(this, options);
    } catch (error) {
      const { name } = error as Error;
      if (name !== 'KafkaJSConnectionError' && name !== 'KafkaJSConnectionClosedError') throw error;
      throw Object.assign(error as Error, { type: 'NOT_COORDINATOR_FOR_GROUP' });
    }
  };
