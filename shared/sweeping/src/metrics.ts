import { Gauge, type Registry } from 'prom-client';
import type { Sweeping } from './sweeping.ts';

/** Shows what sweeps have not got to yet; asked of the store whenever the metrics are. */
export function createSweepMetrics(registry: Registry, { sweeps }: Pick<Sweeping, 'sweeps'>): void {
  new Gauge({
    name: 'sweep_overdue_seconds',
    help: 'How long ago the oldest row that is kept no longer should have been swept',
    labelNames: ['table'],
    registers: [registry],
    async collect() {
      this.reset();
      await Promise.all(
        sweeps.map(async ({ table, overdueS }) => {
          // Where the store does not answer there is nothing to show; readiness says why.
          const seconds = await overdueS().catch(() => undefined);
          if (seconds !== undefined) this.set({ table }, seconds);
        }),
      );
    },
  });
}
