import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What all subscriptions of a process measure, each under its name. Made once for a registry. */
export type SubscriptionMetrics = { of(subscription: string): SubscriptionMeter };

export type SubscriptionMeter = {
  batch(events: number, outcome: { applied: number; parked: number }): void;
  /** A batch that the fence refused: somebody else was faster. */
  refused(): void;
  /** A batch that failed in a way that leaves open whether it was committed, and that is taken up again. */
  retried(): void;
  duplicates(events: number): void;
  /** Messages of a transport that were no events. */
  unreadable(messages: number): void;
  /** Events that were fetched because a transport had not brought them: before later ones that came, or none later. */
  healed(kind: 'hole' | 'tail', events: number): void;
  /** Events that the owner has and that are not applied, and those that are parked now. */
  standing(now: { lag: number; parked: number }): void;
  /** This instance does not lead any more: it has nothing to tell of now. */
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
    help: 'Events that were parked, those behind another one of their key among them',
  });
  const refused = new Counter({
    ...options,
    name: 'subscription_fence_refusals_total',
    help: 'Batches that were refused because somebody else had moved the positions',
  });
  const retried = new Counter({
    ...options,
    name: 'subscription_batches_retried_total',
    help: 'Batches that were taken up again, because nobody knew whether they had been committed',
  });
  const duplicates = new Counter({
    ...options,
    name: 'subscription_duplicates_total',
    help: 'Delivered events that were there already',
  });
  const unreadable = new Counter({
    ...options,
    name: 'subscription_unreadable_messages_total',
    help: 'Delivered messages that were no events, and were left out',
  });
  const healed = new Counter({
    labelNames: ['subscription', 'kind'] as const,
    registers: [registry],
    name: 'subscription_healed_total',
    help: "Events that the transport did not bring and the owner's feed did, in the middle (hole) or at the end (tail)",
  });
  const lag = new Gauge({
    ...options,
    name: 'subscription_lag_events',
    help: 'Events that the owner has and that are not applied, as the leading instance knows',
  });
  const parkedNow = new Gauge({
    ...options,
    name: 'subscription_parked_events',
    help: 'Events that are parked now, as the leading instance knows',
  });

  /** What has not happened yet is to be seen too, as nought. */
  const show = (subscription: string) => {
    for (const counter of [applied, parked, refused, retried, duplicates, unreadable])
      counter.inc({ subscription }, 0);
    for (const kind of ['hole', 'tail']) healed.inc({ subscription, kind }, 0);
  };

  return {
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
        standing(now) {
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
