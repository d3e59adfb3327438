/**
 * Faults of kafkajs that cannot be met from the outside, put right inside of it. The version is pinned, and the tests
 * beside this file and failover.int.test.ts fail where a repair does not take any more.
 */
import { createRequire } from 'node:module';

const LEAST_TIMER_MS = 10;

/** Repairs the kafkajs that is loaded; to be done once. */
export function repairKafkaJs(): void {
  const require = createRequire(import.meta.url);
  const queue = require('kafkajs/src/network/requestQueue/index.js').prototype;
  queue.scheduleCheckPendingRequests = scheduleCheck;
  const group = require('kafkajs/src/consumer/consumerGroup.js').prototype;
  group.heartbeat = heartbeatOrRejoin(group.heartbeat);
}

type RequestQueue = {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
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
