/**
 * The ways by which an owner's events come, told apart by a URL, and nowhere else. Positions are the same in all of them,
 * so a service that is started again with another URL goes on where it was.
 */
import type { Check } from '@micromart/http/health';
import { isKafkaUrl } from '@micromart/kafka/settings';
import { createKafkaTransport } from '@micromart/kafka/transport';
import { parseKafkaUrl } from '@micromart/kafka/url';
import type { Logger } from '@micromart/process/logger';
import type { EventSource, Transport } from '@micromart/subscription/sources/event-source';
import { createFeedSource } from '@micromart/subscription/sources/feed-source';

export type OpenedEventSource = {
  /** What a subscription follows. */
  readonly from: { readonly source: EventSource; readonly transport?: Transport };
  /** What readiness says of it, besides the lag. */
  readonly checks: readonly Check[];
};

/** `http(s)://…/events`: the owner's feed. `kafka(+ssl)://…/topic`: Kafka, and the feed at `feedUrl` for what it loses. */
export function openEventSource({
  eventsUrl,
  feedUrl,
  kafkaCaFile,
  group,
  instance,
  token,
  logger,
}: {
  eventsUrl: string;
  feedUrl: string | undefined;
  kafkaCaFile: string | undefined;
  /** Names, at Kafka, the instances that share the partitions. */
  group: string;
  /** Names, among these, this one, also after a restart; undefined where it has no name that lasts. */
  instance: string | undefined;
  /** Gives the token to read the feed with. */
  token: () => Promise<string>;
  logger: Logger;
}): OpenedEventSource {
  if (!isKafkaUrl(eventsUrl))
    return { from: { source: createFeedSource({ url: eventsUrl, token }) }, checks: [] };
  if (feedUrl === undefined) throw new Error("events by Kafka need the owner's feed besides");
  const topic = parseKafkaUrl(eventsUrl, kafkaCaFile);
  const transport = createKafkaTransport({ topic, group, instance, logger });
  return {
    from: { source: createFeedSource({ url: feedUrl, token }), transport },
    checks: [transport.check],
  };
}
