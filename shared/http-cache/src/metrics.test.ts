import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createCacheMetrics } from './metrics.ts';

test('each cache counts under its name', async () => {
  const registry = new Registry();
  const metrics = createCacheMetrics(registry);
  const meter = metrics.of('catalog');
  metrics.of('cart');
  meter.answered('fresh');
  meter.collapsed();
  meter.requested('failed');
  meter.evicted();
  meter.stored({ entries: 3, bytes: 4_096 });
  const text = await registry.metrics();
  for (const line of [
    'http_cache_answers_total{cache="catalog",status="fresh"} 1',
    'http_cache_collapsed_total{cache="catalog"} 1',
    'http_cache_origin_requests_total{cache="catalog",outcome="failed"} 1',
    'http_cache_evictions_total{cache="catalog"} 1',
    'http_cache_entries{cache="catalog"} 3',
    'http_cache_bytes{cache="catalog"} 4096',
  ])
    expect(text).toContain(line);
});
