/** The settings that name the source of a follower's events. */

import { wholeNumber } from '@micromart/http/parameters';
import { isKafkaUrl, refuseWhatIsNoKafkaUrl } from '@micromart/kafka/settings';
import { isHttpUrl } from '@micromart/service/config';
import { z } from 'zod';

/** An owner's event feed, used together with Kafka. */
export const feedUrl = z
  .string()
  .refine(isFeedUrl, { error: "is not the URL of an owner's event feed" })
  .optional()
  .describe("http://host:port/events, the owner's feed, for events that Kafka does not deliver");

/** The source of a follower's events: the owner's feed, or Kafka, which also needs the feed (`needsFeed`). */
export const eventsUrl = z
  .string()
  .superRefine((url, context) => {
    if (isKafkaUrl(url)) refuseWhatIsNoKafkaUrl(url, context);
    else if (!isFeedUrl(url)) context.addIssue("is neither an owner's event feed nor a topic");
  })
  .describe('http://host:port/events, or kafka://host:port,host:port/topic');

/** Arguments for zod's `refine`: they require the setting `feed` when the setting `events` names Kafka. */
export function needsFeed(events: string, feed: string) {
  const isMet = (settings: Readonly<Record<string, unknown>>) =>
    !isKafkaUrl(String(settings[events])) || settings[feed] !== undefined;
  return [isMet, { path: [feed], when: () => true }] as [typeof isMet, object];
}

export const readyMaxLagMs = wholeNumber({ min: 1, max: 86_400_000 })
  .default(30_000)
  .describe('how many milliseconds a read model may lag behind and still count as ready');

function isFeedUrl(text: string): boolean {
  return isHttpUrl(text) && text.endsWith('/events');
}
