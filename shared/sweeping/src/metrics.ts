import { Gauge, type Registry } from 'prom-client';
import type { Sweeping } from './sweeping.ts';

/** Shows how far sweeps lag behind; each request for the metrics asks which there are, and queries the store. */
export function createSweepMetrics(registry: Registry, sweeping: Pick<Sweeping, 'sweeps'>): void {
  new Gauge({
    name: 'sweep_overdue_seconds',
    help: 'How long ago the oldest row that is due should have been swept',
    labelNames: ['table'],
    registers: [registry],
    async collect() {
      this.reset();
      await Promise.all(
        sweeping.sweeps.map(async ({ table, overdueS }) => {
          // A store that does not answer shows nothing here; readiness says why.
          const seconds = await overdueS().catch(() => undefined);
          if (seconds !== undefined) this.set({ table }, seconds);
        }),
      );
    },
  });
}
