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

test('goes on until nothing is due, in batches, and not before the interval again', async () => {
  const [few, many] = [rows(3), rows(45)];
  const sweeping = startSweeping([few, many], { onError: () => {}, pace: PACE });
  await until(() => many.due === 0);
  await sweeping.close();
  expect(many.batches).toEqual([10, 10, 10, 10, 5]);
  expect(few.batches).toEqual([3]);
});

test('reports what fails, and tries again', async () => {
  const errors: unknown[] = [];
  const one = rows(5);
  let failures = 2;
  const sweep = async (limit: number) => {
    if (failures-- > 0) throw new Error('away');
    return one.sweep(limit);
  };
  const pace = { ...PACE, intervalMs: 1 };
  const sweeping = startSweeping([{ ...one, sweep }], { onError: (error) => errors.push(error), pace });
  await until(() => one.due === 0);
  await sweeping.close();
  expect(errors).toEqual([new Error('away'), new Error('away')]);
});

test('shows by how much the oldest row is overdue, and nothing where the store does not answer', async () => {
  const registry = new Registry();
  const away = { ...rows(0), table: 'away', overdueS: () => Promise.reject(new Error('away')) };
  createSweepMetrics(registry, { sweeps: [rows(7), away] });
  const text = await registry.metrics();
  expect(text).toContain('sweep_overdue_seconds{table="rows"} 7');
  expect(text).not.toContain('away');
});
