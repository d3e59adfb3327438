/** Fetches missing events from the owner's feed: all of them without a transport, else those that the transport lost. */

import type { ReceivedEvent } from '@micromart/events/envelope';
import { sequenceOf } from '../apply/reorder-buffer.ts';
import type { Fetch, SubscriptionState } from '../apply/subscription-state.ts';
import type { Control } from '../control.ts';
import type { Notifier } from '../notifier.ts';
import { type EventSource, SourceReplaced } from './event-source.ts';
import type { ReplacedSource } from './replaced-source.ts';

/**
 * Fetches one round of pages, at most `pagesAtOnce` of them concurrently. Throws SourceReplaced when the owner says so of a
 * page, as long as that is not certain; then it stops the subscription.
 */
export function createFetchMissing({
  source,
  pagesAtOnce,
  state,
  control,
  replacedSource,
  notifier,
  signal,
  onFetched,
}: {
  source: EventSource;
  pagesAtOnce: number;
  state: SubscriptionState;
  control: Control;
  replacedSource: ReplacedSource;
  notifier: Notifier;
  signal: AbortSignal;
  onFetched: (fetch: Fetch, fresh: number) => void;
}): () => Promise<void> {
  async function fetchPage(fetch: Fetch): Promise<void> {
    const { partition, after, limit } = fetch;
    const request = `page of ${partition}`;
    try {
      const events = await source.page({ log: state.log!, partition, after, limit, signal });
      replacedSource.refute(request);
      accept(events, fetch);
    } catch (error) {
      if (!(error instanceof SourceReplaced)) throw error;
      if (!replacedSource.conclude(request, performance.now())) throw error;
      await control.stop('source-replaced', error.message);
    }
  }

  function accept(events: readonly ReceivedEvent[], fetch: Fetch): void {
    checkPage(events, fetch);
    onFetched(fetch, state.fill(fetch.partition, events));
    notifier.notify();
  }

  return async function fetchMissing() {
    if (!control.isActive()) return notifier.next(signal);
    const { fetches, nextMs } = state.due(performance.now());
    if (fetches.length === 0) return notifier.next(signal, nextMs);
    const outcomes = await Promise.allSettled(fetches.slice(0, pagesAtOnce).map(fetchPage));
    const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    if (errors.length > 0) throw errors[0];
  };
}

/** Throws for a page that is empty, begins elsewhere or has a gap: it would be fetched again for ever. */
function checkPage(events: readonly ReceivedEvent[], { partition, after }: Fetch): void {
  if (events.length === 0)
    throw new Error(
      `the owner's feed has no event after ${partition}@${after}, although its head lies beyond`,
    );
  for (const [i, event] of events.entries())
    if (event.partition !== partition || sequenceOf(event) !== after + 1 + i)
      throw new Error(
        `the owner's feed answered ${event.partition}@${event.sequence} where ${partition}@${after + 1 + i} belongs`,
      );
}
