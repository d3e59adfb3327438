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
import { createClient, RETRY } from './client.ts';
import type { Consumption } from './consumer.ts';
import { whenAborted } from './when-aborted.ts';

/** The least that brokers allow unless told otherwise: a killed member's partitions wait for that long. */
const SESSION_TIMEOUT_MS = 6_000;
const HEARTBEAT_INTERVAL_MS = 1_000;
/** How long a rebalance waits for a member that is slow to come back. */
const REBALANCE_TIMEOUT_MS = 10_000;
/** Above what a rebalance takes, in which there is no other sign of life. */
const STALL_MS = 20_000;
const STALL_CHECK_MS = 1_000;
const COMMIT_INTERVAL_MS = 1_000;
const GOODBYE_MS = 2_000;
const METADATA_MAX_AGE_MS = 30_000;

/** How long a broker holds a question for more, and so how late a rebalance is noticed by who has nothing to do. */
const FETCH_WAIT_MS = 500;
const PARTITIONS_AT_ONCE = 16;
/** Compressed; what it becomes in memory is some twenty times as much. */
const FETCH_BYTES_PER_PARTITION = 65_536;
/** Enough for all: the client names them in the same order each time, so the last ones would wait for the first to end. */
const FETCH_BYTES = PARTITIONS_AT_ONCE * FETCH_BYTES_PER_PARTITION;

type Membership = Omit<Consumption, 'onState'> & { onJoined(): void };

/** Joins the group and consumes; comes back when the signal is aborted, and throws whatever else ended it. */
export async function beMember(
  { topic, group, onJoined, onAssigned, onMessages, resumeAt, logger }: Membership,
  signal: AbortSignal,
): Promise<void> {
  const consumer = (await createClient(topic, logger)).consumer({
    groupId: group,
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_INTERVAL_MS,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    maxBytes: FETCH_BYTES,
    maxBytesPerPartition: FETCH_BYTES_PER_PARTITION,
    metadataMaxAge: METADATA_MAX_AGE_MS,
    allowAutoTopicCreation: false,
    // It has a number of its own, five, unless it is told again.
    retry: RETRY,
  });
  const failed = new AbortController();
  const ended = AbortSignal.any([signal, failed.signal]);
  let assigned: readonly number[] = [];
  const commit = createCommit(consumer, topic.topic, resumeAt);
  const watch = watchSignsOfLife(consumer, (error) => failed.abort(error));

  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    if (ended.aborted) return;
    assigned = payload.memberAssignment[topic.topic] ?? [];
    onJoined();
    onAssigned(assigned);
  });
  const eachBatch = ({ batch: { partition, messages }, heartbeat }: EachBatchPayload) =>
    whileBeating(heartbeat, ended, (taking) => onMessages(partition, messages, taking));
  const commits = setInterval(() => void commit(assigned), COMMIT_INTERVAL_MS);
  const starting = start(consumer, topic.topic, eachBatch, ended).catch((error) => failed.abort(error));
  await whenAborted(ended);

  clearInterval(commits);
  watch.close();
  // Not before it has started: the client would take a broken connection for a reason to join again.
  const leaving = starting.then(() => commit(assigned)).then(() => consumer.disconnect());
  await Promise.race([leaving.catch(() => {}), sleep(GOODBYE_MS, undefined, { ref: false })]);
  failed.signal.throwIfAborted();
}

async function start(
  consumer: Consumer,
  topic: string,
  eachBatch: (payload: EachBatchPayload) => Promise<void>,
  ended: AbortSignal,
): Promise<void> {
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  ended.throwIfAborted();
  await consumer.run({ autoCommit: false, partitionsConsumedConcurrently: PARTITIONS_AT_ONCE, eachBatch });
}

/** Tells of the client's own end, and of a silence that is too long for one that works. */
function watchSignsOfLife(consumer: Consumer, onEnd: (error: Error) => void): { close(): void } {
  const { CRASH, GROUP_JOIN, HEARTBEAT, FETCH } = consumer.events;
  let last = performance.now();
  for (const sign of [GROUP_JOIN, HEARTBEAT, FETCH])
    consumer.on(sign, () => {
      last = performance.now();
    });
  consumer.on(CRASH, ({ payload }) => onEnd(payload.error));
  const timer = setInterval(() => {
    if (performance.now() - last > STALL_MS)
      onEnd(new Error(`the consumer gave no sign of life for ${STALL_MS} ms`));
  }, STALL_CHECK_MS);
  return { close: () => clearInterval(timer) };
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
  return async (partitions: readonly number[]): Promise<void> => {
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
