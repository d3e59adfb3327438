/**
 * One membership in a consumer group, from joining to its end; consumer.ts holds the promises and makes the next one.
 *
 * What kafkajs does not do is done here: it stops for good after some errors while the process looks healthy, so its end
 * is waited for (CRASH), and so is its silence, for there are errors it does not notice. It keeps the group informed only
 * between batches, so it is made to while one is being taken, and what it learns by that, a rebalance, ends the taking.
 * It would commit after every batch; here it is once a second, for offsets are no more than a hint.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, EachBatchPayload } from 'kafkajs';
import type { Consumption } from './consumption.ts';
import { createGroupConsumer, HEARTBEAT_INTERVAL_MS, PARTITIONS_AT_ONCE } from './group-consumer.ts';
import { requirePartitions } from './topic.ts';
import { whenAborted } from './when-aborted.ts';

/** Above what a rebalance takes, in which there is no other sign of life. */
const STALL_MS = 20_000;
const CHECK_INTERVAL_MS = 1_000;
const GOODBYE_MS = 2_000;

type Membership = Omit<Consumption, 'onState'> & { onJoined(): void };

/** Joins the group and consumes; comes back when the signal is aborted, and throws whatever else ended it. */
export async function beMember(membership: Membership, signal: AbortSignal): Promise<void> {
  const { topic, onJoined, onAssigned, onMessages, resumeAt } = membership;
  const { consumer, partitions } = await createGroupConsumer(membership);
  const failed = new AbortController();
  const ended = AbortSignal.any([signal, failed.signal]);
  let assigned: readonly number[] | undefined;
  const commit = createCommit(consumer, topic.topic, resumeAt);
  const requireSignOfLife = watchSignsOfLife(consumer);

  /** The log's partitions are not known from the beginning, and the topic may be made anew. */
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
    whileBeating(heartbeat, ended, (taking) => onMessages(partition, messages, taking));

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
  // Not before it has started: the client would take a broken connection for a reason to join again.
  const leaving = starting.then(() => commit(assigned)).then(() => consumer.disconnect());
  await Promise.race([leaving.catch(() => {}), sleep(GOODBYE_MS, undefined, { ref: false })]);
  failed.signal.throwIfAborted();
}

/** Gives what throws after a silence that is too long for a consumer that works. */
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
 * Does work while the group is told that this member lives. The work's signal is aborted when the group says otherwise or
 * when all is over, and then this throws, whatever the work came to: the client has to hear of a rebalance.
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

/** Commits where to go on, as far as that has moved. What cannot be committed now is committed with what comes next. */
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
      // The group is rebalancing, or the broker away: it is heard of elsewhere.
    } finally {
      committing = false;
    }
  };
}
