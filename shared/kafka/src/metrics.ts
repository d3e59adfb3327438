import { Counter, Gauge, type Registry } from 'prom-client';

/** The metrics of a relay. */
export type RelayMetrics = {
  published(events: number): void;
  /** An attempt to publish failed, and will be repeated. */
  failed(): void;
  /** How many events of the log are not published yet; undefined while another instance publishes. */
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
