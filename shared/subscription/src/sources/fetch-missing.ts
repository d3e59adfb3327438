/** Fetches missing events from the owner's feed: all of them without a transport, else those that the transport lost. */

import type { ReceivedEvent } from '@micromart/events/envelope';
import { sequenceOf } from '../apply/reorder-buffer.ts';
import type { Fetch, SubscriptionState } from '../apply/subscription-state.ts';
import type { Control } from '../control.ts';
import type { Notifier } from '../notifier.ts';
import { type EventSource, SourceReplaced } from './event-source.ts';
import { createPageBackOff } from './page-back-off.ts';
import type { ReplacedSource } from './replaced-source.ts';

/**
 * Fetches rounds of pages, at most `pagesAtOnce` of them concurrently, and returns after a round when no partition's pages
 * fail. A partition whose page failed is asked for again after a pause of its own; the others go on meanwhile. `onFailure` is
 * called when a partition fails more often in a row than any has since the last return. That the owner's log was replaced is a
 * failure of the page as long as it is not certain; then it stops the subscription.
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
  onFailure,
}: {
  source: EventSource;
  pagesAtOnce: number;
  state: SubscriptionState;
  control: Control;
  replacedSource: ReplacedSource;
  notifier: Notifier;
  signal: AbortSignal;
  onFetched: (fetch: Fetch, fresh: number) => void;
  onFailure: (error: unknown) => void;
}): () => Promise<void> {
  const backOff = createPageBackOff();

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

  async function tryToFetchPage(fetch: Fetch): Promise<void> {
    try {
      await fetchPage(fetch);
      backOff.succeeded(fetch.partition);
    } catch (error) {
      if (signal.aborted) return;
      const before = backOff.mostFailures();
      if (backOff.failed(fetch.partition, performance.now()) > before) onFailure(error);
    }
  }

  async function fetchRound(): Promise<void> {
    const nowMs = performance.now();
    const { fetches, nextMs } = control.isActive() ? state.due(nowMs) : { fetches: [], nextMs: undefined };
    backOff.retain(fetches.map(({ partition }) => partition));
    const waits = fetches.map(({ partition }) => backOff.remainingMs(partition, nowMs));
    const ready = fetches.filter((_, n) => waits[n] === 0);
    if (ready.length > 0) await Promise.all(ready.slice(0, pagesAtOnce).map(tryToFetchPage));
    else await notifier.next(signal, waits.length > 0 ? Math.min(...waits, nextMs ?? Infinity) : nextMs);
  }

  return async function fetchMissing() {
    do await fetchRound();
    while (backOff.mostFailures() > 0 && !signal.aborted);
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
