/**
 * What Prometheus scrapes. Values are computed when they are scraped, so an idle process does nothing for them (the
 * client library's own default metrics would sample the event loop a hundred times a second).
 */
import { Gauge, Histogram, Registry } from 'prom-client';

export type Metrics = {
  /** Services register their own metrics here. */
  readonly registry: Registry;
  /** `route` is the declared path, never the requested one, which would make a series for each id. */
  observeRequest(labels: { method: string; route: string; status: number }, seconds: number): void;
};

/** From a millisecond to the longest long poll. */
const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Those of RFC 9110 and RFC 5789. All others count as one, as OpenTelemetry does, because each would be a series. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);

export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS_S,
    registers: [registry],
  });
  addProcessMetrics(registry);
  return {
    registry,
    observeRequest({ method, ...labels }, seconds) {
      requests.observe({ method: METHODS.has(method) ? method : '_OTHER', ...labels }, seconds);
    },
  };
}

function addProcessMetrics(registry: Registry): void {
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  const startedS = Date.now() / 1_000 - process.uptime();
  gauge('process_start_time_seconds', 'When the process started, in seconds since 1970', () => startedS);
  gauge('process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage.rss());
  gauge('nodejs_heap_size_used_bytes', 'JavaScript heap in use', () => process.memoryUsage().heapUsed);
  gauge('process_cpu_seconds', 'Processor time, user and system', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  gauge(
    'nodejs_eventloop_utilization',
    'Share of time that the event loop was busy, since the start',
    () => performance.eventLoopUtilization().utilization,
  );
  gauge(
    'nodejs_active_resources',
    'What keeps the event loop alive',
    () => process.getActiveResourcesInfo().length,
  );
}

export function addReadinessMetrics(
  registry: Registry,
  ask: () => Promise<{ degraded: boolean; parts: Readonly<Record<string, { ok: boolean }>> }>,
): void {
  new Gauge({
    name: 'readiness_part_ok',
    help: '1 while a part of the service is ok, else 0',
    labelNames: ['part'],
    registers: [registry],
    async collect() {
      for (const [part, { ok }] of Object.entries((await ask()).parts)) this.set({ part }, ok ? 1 : 0);
    },
  });
  new Gauge({
    name: 'readiness_degraded',
    help: '1 while the service works without an optional part, else 0',
    registers: [registry],
    async collect() {
      this.set((await ask()).degraded ? 1 : 0);
    },
  });
}
