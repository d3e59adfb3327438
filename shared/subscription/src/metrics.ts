import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** The metrics of all subscriptions of a process, labelled with their names. Create them once for each registry. */
export type SubscriptionMetrics = {
  of(subscription: string): SubscriptionMeter;
  /** Removes what is shown of a subscription: it was dropped. */
  forget(subscription: string): void;
};

export type SubscriptionMeter = {
  batch(events: number, outcome: { applied: number; parked: number }): void;
  /** The fence refused a batch: another instance was faster. */
  refused(): void;
  /** A batch failed with its commit in doubt, and is retried. */
  retried(): void;
  duplicates(events: number): void;
  /** Messages of a transport that are no events. */
  unreadable(messages: number): void;
  /** Events that were fetched because the transport had not delivered them: before later ones (hole) or at the end (tail). */
  healed(kind: 'hole' | 'tail', events: number): void;
  /** How many of the owner's events are not applied, and how many are parked now. */
  backlog(now: { lag: number; parked: number }): void;
  /** This instance no longer leads, so it no longer shows the backlog. */
  forget(): void;
};

const BATCH_BUCKETS = [1, 10, 100, 1_000, 5_000];

export function createSubscriptionMetrics(registry: Registry): SubscriptionMetrics {
  const options = { labelNames: ['subscription'] as const, registers: [registry] };
  const batches = new Histogram({
    ...options,
    name: 'subscription_batch_events',
    help: 'Events of one transaction',
    buckets: BATCH_BUCKETS,
  });
  const applied = new Counter({
    ...options,
    name: 'subscription_events_applied_total',
    help: 'Events that were applied',
  });
  const parked = new Counter({
    ...options,
    name: 'subscription_events_parked_total',
    help: 'Events that were parked, including those behind another event of their key',
  });
  const refused = new Counter({
    ...options,
    name: 'subscription_fence_refusals_total',
    help: 'Batches that were refused because another instance had moved the positions',
  });
  const retried = new Counter({
    ...options,
    name: 'subscription_batches_retried_total',
    help: 'Batches that were retried because their commit was in doubt',
  });
  const duplicates = new Counter({
    ...options,
    name: 'subscription_duplicates_total',
    help: 'Delivered events that this instance already had',
  });
  const unreadable = new Counter({
    ...options,
    name: 'subscription_unreadable_messages_total',
    help: 'Delivered messages that were no events, and were skipped',
  });
  const healed = new Counter({
    labelNames: ['subscription', 'kind'] as const,
    registers: [registry],
    name: 'subscription_healed_total',
    help: "Events that the transport did not deliver and the owner's feed did, in the middle (hole) or at the end (tail)",
  });
  const lag = new Gauge({
    ...options,
    name: 'subscription_lag_events',
    help: 'Events of the owner that are not applied, as the leader knows',
  });
  const parkedNow = new Gauge({
    ...options,
    name: 'subscription_parked_events',
    help: 'Events that are parked now, as the leader knows',
  });

  /** A counter that has not counted yet is shown as 0. */
  const show = (subscription: string) => {
    for (const counter of [applied, parked, refused, retried, duplicates, unreadable])
      counter.inc({ subscription }, 0);
    for (const kind of ['hole', 'tail']) healed.inc({ subscription, kind }, 0);
  };

  return {
    forget(subscription) {
      for (const metric of [
        batches,
        applied,
        parked,
        refused,
        retried,
        duplicates,
        unreadable,
        lag,
        parkedNow,
      ])
        metric.remove({ subscription });
      for (const kind of ['hole', 'tail']) healed.remove({ subscription, kind });
    },
    of: (subscription) => {
      show(subscription);
      return {
        batch(events, outcome) {
          batches.observe({ subscription }, events);
          applied.inc({ subscription }, outcome.applied);
          parked.inc({ subscription }, outcome.parked);
        },
        refused: () => refused.inc({ subscription }),
        retried: () => retried.inc({ subscription }),
        duplicates: (events) => duplicates.inc({ subscription }, events),
        unreadable: (messages) => unreadable.inc({ subscription }, messages),
        healed: (kind, events) => healed.inc({ subscription, kind }, events),
        backlog(now) {
          lag.set({ subscription }, now.lag);
          parkedNow.set({ subscription }, now.parked);
        },
        forget() {
          lag.remove({ subscription });
          parkedNow.remove({ subscription });
        },
      };
    },
  };
}
