/**
 * What followers say of themselves at `/metrics`, summed over processes that are killed: looked at several times a
 * second, so what a process counted in its very last moment is missing. A sum is a lower bound.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Figures, and the counters that they are the sums of. */
const COUNTERS = {
  'batches applied again': 'subscription_batches_retried_total',
  'stale writes refused': 'subscription_fence_refusals_total',
  'events counted': 'subscription_events_applied_total',
  'events healed': 'subscription_healed_total',
} as const;

type Sums = Readonly<Record<keyof typeof COUNTERS, number>>;

export type Meters = {
  sums(): Sums;
  /** Looks once more, and stops. */
  close(): Promise<void>;
};

const INTERVAL_MS = 200;
const TIMEOUT_MS = 1_000;
const START = 'process_start_time_seconds';

export function startMeters(urls: readonly string[]): Meters {
  const ending = new AbortController();
  /** The newest figures of every process that was seen, by its address and start. */
  const seen = new Map<string, Map<string, number>>();

  const look = async (url: string) => {
    try {
      const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      const values = parseMetrics(await response.text());
      seen.set(`${url} ${values.get(START)}`, values);
    } catch {
      // Killed, frozen, or not yet there.
    }
  };
  const watch = async (url: string) => {
    while (!ending.signal.aborted) {
      await look(url);
      await sleep(INTERVAL_MS, undefined, { signal: ending.signal }).catch(() => {});
    }
    await look(url);
  };
  const watching = Promise.all(urls.map(watch));
  const sum = (name: string) => [...seen.values()].reduce((total, one) => total + (one.get(name) ?? 0), 0);

  return {
    sums: () =>
      Object.fromEntries(Object.entries(COUNTERS).map(([figure, name]) => [figure, sum(name)])) as Sums,
    async close() {
      ending.abort();
      await watching;
    },
  };
}

/** The values of an exposition by name, summed over labels (Prometheus text format 0.0.4). */
function parseMetrics(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-z_]+)(?:\{[^}]*\})? ([0-9.e+-]+)$/i.exec(line) ?? [];
    if (name) values.set(name, (values.get(name) ?? 0) + Number(value));
  }
  return values;
}
