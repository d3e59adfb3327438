import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createRebuildMetrics } from './metrics.ts';
import type { Rebuild } from './rebuild.ts';

const rebuild = (one: Partial<Rebuild>): Rebuild => ({
  ...{ id: 'model', model: 'model', state: 'ready', live: false, shape: 1, log: 'log-1', requestedBy: null },
  ...{ requestedAt: new Date(), liveSince: null, predecessor: null, roomBytes: null, eventsPerS: null },
  ...{ events: { applied: 0, total: 0 }, secondsLeft: null, reason: null, comparison: null },
  ...one,
});

test('shows how far each generation is, and none that is dropped', async () => {
  const registry = new Registry();
  let reads = 0;
  const list = async () => {
    reads += 1;
    return [
      rebuild({ live: true, events: { applied: 100, total: 101 } }),
      rebuild({ id: 'model~2', state: 'dropped' }),
      rebuild({ id: 'model~3', state: 'building', events: { applied: 40, total: 101 }, reason: 'disk full' }),
    ];
  };
  createRebuildMetrics(registry, { list });
  const text = await registry.metrics();
  for (const line of [
    'generation_state{generation="model",state="ready"} 1',
    'generation_state{generation="model~3",state="building"} 1',
    'generation_live{generation="model"} 1',
    'generation_live{generation="model~3"} 0',
    'generation_events_applied{generation="model~3"} 40',
    'generation_events_known{generation="model~3"} 101',
    'generation_hindered{generation="model"} 0',
    'generation_hindered{generation="model~3"} 1',
  ])
    expect(text).toContain(line);
  expect(text).not.toContain('model~2');
  expect(reads).toBe(1);
});

test('shows nothing while the store does not answer', async () => {
  const registry = new Registry();
  createRebuildMetrics(registry, { list: () => Promise.reject(new Error('unavailable')) });
  expect(await registry.metrics()).not.toContain('generation=');
});
