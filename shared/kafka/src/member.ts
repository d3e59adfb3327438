/**
 * One membership in a consumer group, from joining to its end; consumer.ts says what it promises and starts the next one.
 *
 * This file adds what kafkajs does not do. kafkajs stops for good after some errors while the process looks healthy, so this
 * watches for its CRASH event, and for silence, because it does not notice some errors. kafkajs sends heartbeats only between
 * batches, so this sends them while a batch is handled, and a rebalance that a heartbeat reports aborts the handler. kafkajs
 * would commit after every batch; this commits once a second, because offsets are only a hint.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, EachBatchPayload } from 'kafkajs';
import type { Consumption } from './consumption.ts';
import { createGroupConsumer, HEARTBEAT_INTERVAL_MS, PARTITIONS_AT_ONCE } from './group-consumer.ts';
import { requirePartitions } from './topic.ts';
import { whenAborted } from './when-aborted.ts';

/** Longer than a rebalance takes, during which there is neither heartbeat nor fetch. */
const STALL_MS = 20_000;
const CHECK_INTERVAL_MS = 1_000;
const LEAVE_TIMEOUT_MS = 2_000;

type Membership = Omit<Consumption, 'onState'> & { onJoined(): void };

/** Joins the group and consumes. Resolves when the signal is aborted; throws any other reason for its end. */
export async function beMember(membership: Membership, signal: AbortSignal): Promise<void> {
  const { topic, onJoined, onAssigned, onMessages, resumeAt } = membership;
  const { consumer, partitions } = await createGroupConsumer(membership);
  const failed = new AbortController();
  const ended = AbortSignal.any([signal, failed.signal]);
  let assigned: readonly number[] | undefined;
  const commit = createCommit(consumer, topic.topic, resumeAt);
  const requireSignOfLife = watchSignsOfLife(consumer);

  /** Checked more than once: the log's partitions are unknown at first, and the topic may be created again. */
  function requireRightTopic() {
    const [found, wanted] = [partitions(), membership.partitions()];
    if (found > 0 && wanted !== undefined) requirePartitions(topic, { found, partitions: wanted });
  }
  function check() {
    try {
      requireSignOfLife();
      if (assigned) requireRightTopic();
    } catch (error) {
      failed.abort(error);
    }
    void commit(assigned);
  }
  async function start() {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic.topic], fromBeginning: true });
    ended.throwIfAborted();
    requireRightTopic();
    await consumer.run({ autoCommit: false, partitionsConsumedConcurrently: PARTITIONS_AT_ONCE, eachBatch });
  }
  const eachBatch = ({ batch: { partition, messages }, heartbeat }: EachBatchPayload) =>
    whileBeating(heartbeat, ended, (handling) => onMessages(partition, messages, handling));

  consumer.on(consumer.events.CRASH, ({ payload }) => failed.abort(payload.error));
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    if (ended.aborted) return;
    assigned = payload.memberAssignment[topic.topic] ?? [];
    onJoined();
    onAssigned(assigned);
  });
  const checks = setInterval(check, CHECK_INTERVAL_MS);
  const starting = start().catch((error) => failed.abort(error));
  await whenAborted(ended);

  clearInterval(checks);
  // Only after it has started: kafkajs would take a broken connection for a reason to join again.
  const leaving = starting.then(() => commit(assigned)).then(() => consumer.disconnect());
  await Promise.race([leaving.catch(() => {}), sleep(LEAVE_TIMEOUT_MS, undefined, { ref: false })]);
  failed.signal.throwIfAborted();
}

/** Returns a check that throws after a silence too long for a working consumer. */
function watchSignsOfLife(consumer: Consumer): () => void {
  const { GROUP_JOIN, HEARTBEAT, FETCH } = consumer.events;
  let last = performance.now();
  for (const sign of [GROUP_JOIN, HEARTBEAT, FETCH])
    consumer.on(sign, () => {
      last = performance.now();
    });
  return () => {
    if (performance.now() - last > STALL_MS)
      throw new Error(`the consumer gave no sign of life for ${STALL_MS} ms`);
  };
}

/**
 * Does work while it sends heartbeats. Aborts the work's signal when a heartbeat fails or the membership ends, and then throws,
 * whatever the work returned, because kafkajs must learn of the rebalance.
 */
async function whileBeating(
  heartbeat: () => Promise<void>,
  ended: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const onEnded = () => stop.abort(ended.reason);
  ended.addEventListener('abort', onEnded);
  const beat = setInterval(() => heartbeat().catch((error) => stop.abort(error)), HEARTBEAT_INTERVAL_MS);
  try {
    ended.throwIfAborted();
    await work(stop.signal);
    stop.signal.throwIfAborted();
  } finally {
    clearInterval(beat);
    ended.removeEventListener('abort', onEnded);
  }
}

/** Returns a function that commits changed offsets. Those that it cannot commit now are committed by a later call. */
function createCommit(consumer: Consumer, topic: string, resumeAt: Consumption['resumeAt']) {
  const committed = new Map<number, string>();
  let committing = false;
  return async (partitions: readonly number[] = []): Promise<void> => {
    const offsets = partitions.flatMap((partition) => {
      const offset = resumeAt(partition);
      return offset === undefined || offset === committed.get(partition) ? [] : { topic, partition, offset };
    });
    if (committing || offsets.length === 0) return;
    committing = true;
    try {
      await consumer.commitOffsets(offsets);
      for (const { partition, offset } of offsets) committed.set(partition, offset);
    } catch {
      // The group is rebalancing, or the broker is unavailable: other calls report that.
    } finally {
      committing = false;
    }
  };
}
