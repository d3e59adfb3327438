import { Counter, Gauge, type Registry } from 'prom-client';

/** What a relay measures. */
export type RelayMetrics = {
  published(events: number): void;
  /** An attempt that failed; there will be another one. */
  failed(): void;
  /** Events that are in the log and not yet published; undefined while another instance publishes. */
  lag(events: number | undefined): void;
};

export function createRelayMetrics(registry: Registry): RelayMetrics {
  const options = { registers: [registry] };
  const published = new Counter({
    ...options,
    name: 'relay_events_published_total',
    help: 'Events that Kafka has acknowledged',
  });
  const failures = new Counter({
    ...options,
    name: 'relay_failures_total',
    help: 'Attempts to publish that failed, and were or will be repeated',
  });
  const lag = new Gauge({
    ...options,
    name: 'relay_lag_events',
    help: 'Events that are in the log and not yet published, as the publishing instance knows',
  });
  lag.remove();
  return {
    published: (events) => published.inc(events),
    failed: () => failures.inc(),
    lag: (events) => (events === undefined ? lag.remove() : lag.set(events)),
  };
}
