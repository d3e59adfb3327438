import { expect, test } from '@jest/globals';
import { until } from '@micromart/testing/until';
import { Registry } from 'prom-client';
import { createSweepMetrics } from './metrics.ts';
import { type Sweep, startSweeping } from './sweeping.ts';

const PACE = { batchRows: 10, intervalMs: 60_000, maxRestMs: 1 };

function rows(due: number): Sweep & { due: number; batches: number[] } {
  const one = {
    table: 'rows',
    due,
    batches: [] as number[],
    async sweep(limit: number) {
      const swept = Math.min(limit, one.due);
      one.due -= swept;
      one.batches.push(swept);
      return swept;
    },
    overdueS: async () => one.due,
  };
  return one;
}

test('deletes in batches until nothing is due, and waits for the interval then', async () => {
  const [few, many] = [rows(3), rows(45)];
  const sweeping = startSweeping([few, many], { onError: () => {}, pace: PACE });
  await until(() => many.due === 0);
  await sweeping.close();
  expect(many.batches).toEqual([10, 10, 10, 10, 5]);
  expect(few.batches).toEqual([3]);
});

test('reports a failure, and retries', async () => {
  const errors: unknown[] = [];
  const one = rows(5);
  let failures = 2;
  const sweep = async (limit: number) => {
    if (failures-- > 0) throw new Error('unavailable');
    return one.sweep(limit);
  };
  const pace = { ...PACE, intervalMs: 1 };
  const sweeping = startSweeping([{ ...one, sweep }], { onError: (error) => errors.push(error), pace });
  await until(() => one.due === 0);
  await sweeping.close();
  expect(errors).toEqual([new Error('unavailable'), new Error('unavailable')]);
});

test('shows how long the oldest row is overdue, and nothing for a store that does not answer', async () => {
  const registry = new Registry();
  const unavailable = {
    ...rows(0),
    table: 'unavailable',
    overdueS: () => Promise.reject(new Error('unavailable')),
  };
  createSweepMetrics(registry, { sweeps: [rows(7), unavailable] });
  const text = await registry.metrics();
  expect(text).toContain('sweep_overdue_seconds{table="rows"} 7');
  expect(text).not.toContain('unavailable');
});
