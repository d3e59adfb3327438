import type { Logger } from '@micromart/process/logger';
import { retry } from '@micromart/process/retry';
import type { Admin } from 'kafkajs';
import { createClient } from './client.ts';
import { isOfType, nameOf, WrongPartitions } from './failure.ts';
import type { KafkaTopic } from './url.ts';

const MAX_REPLICAS = 3;
/** Two of three replicas must have a message before it is acknowledged, so any one broker may be lost. */
const MIN_REPLICAS_IN_SYNC = 2;
const CREATE_TIMEOUT_MS = 10_000;
/** With their pauses about ten seconds. */
const ATTEMPTS = 20;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Ensures that the topic exists with this number of partitions, replicated over three brokers if there are as many. Brokers
 * that have just started must find each other first, so it retries for some seconds. Throws WrongPartitions when the topic has
 * another number of partitions, which only a new topic can correct, or kafkajs's error.
 */
export async function ensureTopic(
  topic: KafkaTopic,
  { partitions, logger, signal }: { partitions: number; logger: Logger; signal: AbortSignal },
): Promise<void> {
  const admin = (await createClient(topic, logger)).admin();
  try {
    await admin.connect();
    const found =
      (await countPartitions(admin, topic)) ??
      (await retry(() => createTopic(admin, topic, partitions), {
        attempts: ATTEMPTS,
        longestPauseMs: LONGEST_PAUSE_MS,
        isTransient: (error) => isOfType(error, 'INVALID_REPLICATION_FACTOR'),
        signal,
      }));
    if (found !== undefined) requirePartitions(topic, { found, partitions });
  } finally {
    await admin.disconnect();
  }
}

/** Throws WrongPartitions unless the topic's number of partitions, `found`, is the log's. */
export function requirePartitions(
  topic: KafkaTopic,
  { found, partitions }: { found: number; partitions: number },
): void {
  if (found !== partitions)
    throw new WrongPartitions(
      `${nameOf(topic)} has ${found} partitions and the log ${partitions}; name another topic, or delete this one`,
    );
}

/** Creates the topic. Returns its number of partitions, because another process may have created it first. */
async function createTopic(
  admin: Admin,
  { topic, brokers }: KafkaTopic,
  partitions: number,
): Promise<number | undefined> {
  const registered = (await admin.describeCluster()).brokers.length;
  // Some of the named brokers may not be registered yet, and the replication factor stays as it is created.
  const replicationFactor = Math.min(MAX_REPLICAS, Math.max(registered, brokers.length));
  const inSync = replicationFactor === MAX_REPLICAS ? MIN_REPLICAS_IN_SYNC : 1;
  await admin.createTopics({
    topics: [
      {
        topic,
        numPartitions: partitions,
        replicationFactor,
        configEntries: [{ name: 'min.insync.replicas', value: String(inSync) }],
      },
    ],
    timeout: CREATE_TIMEOUT_MS,
  });
  return await countPartitions(admin, { topic });
}

async function countPartitions(admin: Admin, { topic }: { topic: string }): Promise<number | undefined> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions.length;
  } catch (error) {
    if (isOfType(error, 'UNKNOWN_TOPIC_OR_PARTITION')) return undefined;
    throw error;
  }
}
