/**
 * Creates kafkajs clients with our settings. Its known faults are handled where they show, in producer.ts, member.ts and
 * topic.ts, and in repairs.ts those inside it. No other package imports kafkajs (docs/decisions/0007-kafkajs.md).
 */
import { readFile } from 'node:fs/promises';
import type { Logger } from '@micromart/process/logger';
import type { Kafka, KafkaConfig, LogEntry } from 'kafkajs';
import { repairKafkaJs } from './repairs.ts';
import { teachStaticMembership } from './static-membership.ts';
import type { KafkaTopic } from './url.ts';

const CONNECT_TIMEOUT_MS = 3_000;
/** Longer than a broker may take to acknowledge a batch (producer.ts), so that the broker's own error arrives first. */
const REQUEST_TIMEOUT_MS = 6_000;
/** Some seconds in all, in which another broker may take over. After that the caller decides. */
export const RETRY = {
  initialRetryTime: 100,
  maxRetryTime: 500,
  factor: 0.2,
  multiplier: 2,
  retries: 14,
  // consumer.ts creates a new consumer after every failure.
  restartOnFailure: async () => false,
};

/**
 * A client of the cluster that holds the topic; it connects when it is used. Each producer, consumer and admin needs a client
 * of its own. Throws when the file KAFKA_CA_FILE cannot be read.
 */
export async function createClient({ brokers, secure }: KafkaTopic, logger: Logger): Promise<Kafka> {
  const { Kafka, logLevel } = await load();
  return new Kafka({
    clientId: 'micromart',
    brokers: [...brokers],
    ...(secure && (await securityOf(secure))),
    connectionTimeout: CONNECT_TIMEOUT_MS,
    authenticationTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: RETRY,
    logLevel: logger.isLevelEnabled('debug') ? logLevel.WARN : logLevel.NOTHING,
    logCreator: () => (entry) => bridge(logger, entry),
  });
}

async function securityOf({ user, password, caFile }: NonNullable<KafkaTopic['secure']>) {
  const ca = caFile && (await readCa(caFile));
  const sasl = { mechanism: 'scram-sha-512', username: user, password } as const;
  return { ssl: ca ? { ca } : true, sasl } satisfies Pick<KafkaConfig, 'ssl' | 'sasl'>;
}

async function readCa(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`KAFKA_CA_FILE names ${file}, which cannot be read (${code})`);
  }
}

/** kafkajs retries most of what it logs as errors, so these are debug lines; its callers log what fails in the end. */
function bridge(logger: Logger, { namespace, log: { message, error } }: LogEntry): void {
  logger.debug({ kafkajs: namespace, reason: error }, message);
}

let loading: Promise<typeof import('kafkajs')> | undefined;

/** Loaded with the first client, because it takes much memory, which a process without Kafka does not need. */
function load(): Promise<typeof import('kafkajs')> {
  loading ??= import('kafkajs').then((kafkajs) => {
    repairKafkaJs();
    teachStaticMembership();
    return kafkajs;
  });
  return loading;
}
