/**
 * Faults of kafkajs that cannot be met from the outside, put right inside of it. The version is pinned, and the tests
 * beside this file and failover.int.test.ts fail where a repair does not take any more.
 */
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

const LEAST_TIMER_MS = 10;
/** How much later than it should a request may time out. */
const TIMEOUT_CHECK_MS = 1_000;
const FRAME_LENGTH_BYTES = 4;

/** Repairs the kafkajs that is loaded; to be done once. */
export function repairKafkaJs(): void {
  const require = createRequire(import.meta.url);
  const queue = require('kafkajs/src/network/requestQueue/index.js').prototype;
  queue.scheduleCheckPendingRequests = scheduleCheck;
  queue.scheduleRequestTimeoutCheck = beginTimeoutChecks;
  queue.sendSocketRequest = sendWatched(queue.sendSocketRequest);
  const connection = require('kafkajs/src/network/connection.js').prototype;
  connection.connect = connectAnew(connection.connect);
  connection.send = sendOrBreakOff(connection.send);
  const broker = require('kafkajs/src/broker/index.js').prototype;
  broker.connect = connectOrBeAway(broker.connect);
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
 * From its first request on, each connection would look for waiting requests a thousand times a second, by a timer whose
 * time lies in the past. It has to look only when a request waits, and not before the broker wants any.
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
 * Each connection would look for requests that have timed out ten times a second, also when none is under way. Without
 * that, and with fetches and looks at the topic half as often or less, an idle follower came from 0.79 to 0.56 % of a core.
 */
function beginTimeoutChecks(this: RequestQueue): void {
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

/** A connection that is opened again would put what it reads behind the half of an answer that the last one left. */
const connectAnew = (connect: () => Promise<true>) =>
  function (this: Connection): Promise<true> {
    if (!this.isConnected())
      Object.assign(this, { chunks: [], bytesBuffered: 0, bytesNeeded: FRAME_LENGTH_BYTES });
    return connect.call(this);
  };

/**
 * A connection that has fallen silent would be taken for a good one, and each further attempt would time out on it too:
 * a relay hung for two minutes and a half. So whatever times out ends its connection, and the next attempt opens another.
 */
const sendOrBreakOff = (send: (request: unknown) => Promise<unknown>) =>
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
 * A broker that takes a connection and closes it at once, as one does that is ending, or a proxy before one that is dead,
 * would be asked again and again until the client gives up. It is as far away as one that refuses: another one is asked.
 */
const connectOrBeAway = (connect: () => Promise<void>) =>
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
 * A consumer whose group's coordinator is gone would go on asking the dead broker until it gives up, and its successor
 * would have to wait for its session to expire. Told that this broker is the coordinator no more, it asks who is.
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
