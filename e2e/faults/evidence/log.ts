/** Reads an owner's whole log by its feed. */
import { isMalformed, type LoggedEvent } from '@micromart/events/envelope';
import type { LogPosition } from '@micromart/events/position';
import { type EventSource, headsNow } from '@micromart/subscription/sources/event-source';
import { createFeedSource } from '@micromart/subscription/sources/feed-source';
import type { TestIssuer } from '@micromart/testing/http';

const PAGE_EVENTS = 1_000;

/** The feed of the owner at `url`. */
export async function openFeed(issuer: TestIssuer, url: string): Promise<EventSource> {
  const token = await issuer.token({ subject: 'faults', roles: ['service'], expiresIn: '24h' });
  return createFeedSource({ url: `${url}/events`, token: async () => token });
}

/** All events, in the order of the sequences within each partition, and the positions of the last ones. */
export async function readLog(
  source: EventSource,
): Promise<{ events: readonly LoggedEvent[]; heads: readonly LogPosition[] }> {
  const { signal } = new AbortController();
  const { log, last } = await headsNow(source, signal);
  const events: LoggedEvent[] = [];
  for (const [partition, head] of last)
    for (let after = 0; after < head; ) {
      const page = await source.page({ log, partition, after, limit: PAGE_EVENTS, signal });
      if (page.length === 0)
        throw new Error(`partition ${partition} has no event after ${after}, below ${head}`);
      for (const event of page) {
        if (isMalformed(event)) throw new Error(`${partition}@${event.sequence}: ${event.fault}`);
        events.push(event);
      }
      after = Number(page.at(-1)!.sequence);
    }
  const heads = [...last].map(([partition, sequence]) => ({ log, partition, sequence }));
  return { events, heads };
}
