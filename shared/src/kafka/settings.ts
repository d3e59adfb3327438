import { kafkaCaFile, kafkaUrl } from '../process/config.ts';

/** The settings of an owner that has a relay, or has none where the URL is not set. */
export const relaySettings = {
  KAFKA_PUBLISH_URL: kafkaUrl.optional().describe(kafkaUrl.description!),
  KAFKA_CA_FILE: kafkaCaFile,
};
