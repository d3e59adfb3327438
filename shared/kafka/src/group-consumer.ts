import type { Logger } from '@micromart/process/logger';
import type { Cluster, Consumer } from 'kafkajs';
import { createClient, RETRY } from './client.ts';
import { assignerOf } from './static-membership.ts';
import type { KafkaTopic } from './url.ts';

/** The least that brokers allow unless told otherwise: a member that does not come back is missed for that long. */
const SESSION_TIMEOUT_MS = 6_000;
export const HEARTBEAT_INTERVAL_MS = 1_000;
/** How long a rebalance waits for a member that is slow to come back. */
const REBALANCE_TIMEOUT_MS = 10_000;
const METADATA_MAX_AGE_MS = 30_000;

/** How long a broker holds a question for more, and so how late a rebalance is noticed by who has nothing to do. */
const FETCH_WAIT_MS = 1_000;
export const PARTITIONS_AT_ONCE = 16;
/** Compressed; what it becomes in memory is some twenty times as much. */
const FETCH_BYTES_PER_PARTITION = 65_536;
/** Enough for all: the client names them in the same order each time, so the last ones would wait for the first to end. */
const FETCH_BYTES = PARTITIONS_AT_ONCE * FETCH_BYTES_PER_PARTITION;

/** Who takes part in which group. */
export type GroupMember = {
  readonly topic: KafkaTopic;
  /** Members of the same group share the partitions. */
  readonly group: string;
  /**
   * Names this member, and no other one, also after a restart: one that comes back within the session finds its
   * partitions, and nobody else has to stop for it. Without a name it leaves when it ends.
   */
  readonly instance?: string | undefined;
  readonly logger: Logger;
};

export type GroupConsumer = {
  readonly consumer: Consumer;
  /** How many partitions the topic has, as a consumer that has subscribed knows without asking; 0 while it does not. */
  partitions(): number;
};

/** kafkajs's consumer, set up to be a member of a group; member.ts makes it one. */
export async function createGroupConsumer({
  topic,
  group,
  instance,
  logger,
}: GroupMember): Promise<GroupConsumer> {
  let cluster: Cluster | undefined;
  const client = await createClient(topic, logger);
  const { PartitionAssigners } = await import('kafkajs');
  const consumer = client.consumer({
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
    // To assigners, and to nobody else, the client shows what it knows of the topic. This is the one it has anyway.
    partitionAssigners: [
      (config) => {
        cluster = config.cluster;
        return assignerOf(instance, PartitionAssigners.roundRobin(config));
      },
    ],
  });
  return {
    consumer,
    partitions: () => (cluster?.isConnected() ? cluster.findTopicPartitionMetadata(topic.topic).length : 0),
  };
}
