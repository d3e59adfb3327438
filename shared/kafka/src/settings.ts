/** The settings of processes that publish to Kafka or follow by it. */
import { z } from 'zod';
import { parseKafkaUrl } from './url.ts';

/** A topic of a Kafka cluster, with the login where there is one (url.ts). */
export const kafkaUrl = z
  .string()
  .superRefine(refuseWhatIsNoKafkaUrl)
  .describe('kafka://host:port,host:port/topic, or kafka+ssl://user:password@host:port/topic');

export const kafkaCaFile = z
  .string()
  .optional()
  .describe('the file of the authority that vouches for the brokers, where the system knows it not');

/** The settings of an owner that has a relay, or has none where the URL is not set. */
export const relaySettings = {
  KAFKA_PUBLISH_URL: kafkaUrl.optional().describe(kafkaUrl.description!),
  KAFKA_CA_FILE: kafkaCaFile,
};

/** Whether a URL names a topic of Kafka. */
export const isKafkaUrl = (url: string): boolean => /^kafka(\+ssl)?:/.test(url);

/** Adds an issue where a text is not the URL of a topic. */
export function refuseWhatIsNoKafkaUrl(url: string, context: z.RefinementCtx): void {
  try {
    parseKafkaUrl(url);
  } catch (error) {
    context.addIssue((error as Error).message);
  }
}
