import type { Logger } from '@micromart/process/logger';
import type { Cluster, Consumer } from 'kafkajs';
import { createClient, RETRY } from './client.ts';
import { assignerOf } from './static-membership.ts';
import type { KafkaTopic } from './url.ts';

/** The least that brokers allow by default: the partitions of a lost member wait this long for another one. */
const SESSION_TIMEOUT_MS = 6_000;
export const HEARTBEAT_INTERVAL_MS = 1_000;
/** How long a rebalance waits for a slow member. */
const REBALANCE_TIMEOUT_MS = 10_000;
const METADATA_MAX_AGE_MS = 30_000;

/** How long a broker holds a fetch without messages. An idle member notices a rebalance only after it. */
const FETCH_WAIT_MS = 1_000;
export const PARTITIONS_AT_ONCE = 16;
/** Compressed size; in memory it becomes many times as much. */
const FETCH_BYTES_PER_PARTITION = 65_536;
/** Enough for all partitions: the client lists them in a fixed order, so with less the last ones would wait for the first. */
const FETCH_BYTES = PARTITIONS_AT_ONCE * FETCH_BYTES_PER_PARTITION;

/** A member of a consumer group. */
export type GroupMember = {
  readonly topic: KafkaTopic;
  /** Members of the same group share the partitions. */
  readonly group: string;
  /**
   * The name of this member, unique in its group and the same after a restart. A member that returns within the session gets
   * its partitions again, and the others do not stop for it. Without a name it leaves the group when it ends.
   */
  readonly instance?: string | undefined;
  readonly logger: Logger;
};

export type GroupConsumer = {
  readonly consumer: Consumer;
  /** How many partitions the topic has according to the metadata of a subscribed consumer; 0 while that is unknown. */
  partitions(): number;
};

/** Creates a kafkajs consumer with our settings; member.ts lets it join. */
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
    // Without this, kafkajs uses other limits for consumers than for their client.
    retry: RETRY,
    // kafkajs shows its metadata of the topic only to assigners. This one assigns as the default does.
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
