/** The settings of processes that publish to Kafka or follow a log through it. */
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
  .describe('the file with the certificate authority of the brokers, unless the system trusts it already');

/** The settings of an owner with a relay; without the URL it has none. */
export const relaySettings = {
  KAFKA_PUBLISH_URL: kafkaUrl.optional().describe(kafkaUrl.description!),
  KAFKA_CA_FILE: kafkaCaFile,
};

/** Whether a URL names a topic of Kafka. */
export const isKafkaUrl = (url: string): boolean => /^kafka(\+ssl)?:/.test(url);

/** Adds an issue when a text is not the URL of a topic. */
export function refuseWhatIsNoKafkaUrl(url: string, context: z.RefinementCtx): void {
  try {
    parseKafkaUrl(url);
  } catch (error) {
    context.addIssue((error as Error).message);
  }
}
