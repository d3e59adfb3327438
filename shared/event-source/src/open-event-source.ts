/**
 * Chooses the source of an owner's events by a URL. Nothing else tells them apart: positions are the same for all of them, so
 * a service that restarts with another URL continues where it was.
 */
import type { Check } from '@micromart/http/health';
import { isKafkaUrl } from '@micromart/kafka/settings';
import { createKafkaTransport } from '@micromart/kafka/transport';
import { parseKafkaUrl } from '@micromart/kafka/url';
import type { Logger } from '@micromart/process/logger';
import type { EventSource, Transport } from '@micromart/subscription/sources/event-source';
import { createFeedSource } from '@micromart/subscription/sources/feed-source';

export type OpenedEventSource = {
  /** What `startSubscription` takes. */
  readonly from: { readonly source: EventSource; readonly transport?: Transport };
  /** Checks for the service's readiness, in addition to the subscription's own. */
  readonly checks: readonly Check[];
};

/**
 * `http(s)://…/events` opens the owner's feed; `kafka(+ssl)://…/topic` opens Kafka, and the feed at `feedUrl` for what Kafka
 * loses. It connects to nothing yet. Throws for a URL that it cannot read, and for Kafka without a `feedUrl`.
 */
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
  /** The consumer group: instances with the same group share the partitions. */
  group: string;
  /** The name of this instance in the group; it must be the same after a restart. Undefined if there is no such name. */
  instance: string | undefined;
  /** Returns the token for requests to the feed. */
  token: () => Promise<string>;
  logger: Logger;
}): OpenedEventSource {
  if (!isKafkaUrl(eventsUrl))
    return { from: { source: createFeedSource({ url: eventsUrl, token }) }, checks: [] };
  if (feedUrl === undefined) throw new Error("events from Kafka also need the URL of the owner's feed");
  const topic = parseKafkaUrl(eventsUrl, kafkaCaFile);
  const transport = createKafkaTransport({ topic, group, instance, logger });
  return {
    from: { source: createFeedSource({ url: feedUrl, token }), transport },
    checks: [transport.check],
  };
}
