import { Counter, Gauge, type Registry } from 'prom-client';

/** How an answer came about: from memory, renewed by a 304, from memory past its lifetime, from the origin, or not at all. */
export type CacheStatus = 'fresh' | 'revalidated' | 'stale' | 'fetched' | 'unavailable';

export type CacheMeter = {
  answered(status: CacheStatus): void;
  /** A request that shared another one to the origin instead of sending its own. */
  collapsed(): void;
  /** One request to the origin; `failed` when no usable answer came. */
  requested(outcome: 'answered' | 'failed'): void;
  evicted(): void;
  /** What is stored now. */
  stored(now: { entries: number; bytes: number }): void;
};

export type CacheMetrics = { of(cache: string): CacheMeter };

/** The metrics of all HTTP caches of a process, labelled by cache. Create them once for a registry. */
export function createCacheMetrics(registry: Registry): CacheMetrics {
  const counter = <L extends string>(name: string, help: string, ...labels: L[]) =>
    new Counter({ name, help, labelNames: ['cache', ...labels], registers: [registry] });
  const gauge = (name: string, help: string) =>
    new Gauge({ name, help, labelNames: ['cache'], registers: [registry] });
  const answers = counter('http_cache_answers_total', 'Answers by how they came about', 'status');
  const collapsed = counter('http_cache_collapsed_total', 'Requests that shared another one to the origin');
  const requests = counter('http_cache_origin_requests_total', 'Requests to the origin', 'outcome');
  const evictions = counter('http_cache_evictions_total', 'Answers removed to make room for others');
  const entries = gauge('http_cache_entries', 'Stored entries: one for each address and caller');
  const bytes = gauge('http_cache_bytes', 'Approximate memory that the stored answers take');

  return {
    of: (cache) => ({
      answered: (status) => answers.inc({ cache, status }),
      collapsed: () => collapsed.inc({ cache }),
      requested: (outcome) => requests.inc({ cache, outcome }),
      evicted: () => evictions.inc({ cache }),
      stored(now) {
        entries.set({ cache }, now.entries);
        bytes.set({ cache }, now.bytes);
      },
    }),
  };
}
