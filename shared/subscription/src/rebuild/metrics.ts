/** How far rebuilds are, for Prometheus. Every instance shows the same, for it is read from the database. */
import { Gauge, type Registry } from 'prom-client';
import type { Rebuild, Rebuilds } from './rebuild.ts';

/** Each request for the metrics queries the store once. Dropped generations are not shown. */
export function createRebuildMetrics(registry: Registry, rebuilds: Pick<Rebuilds, 'list'>): void {
  let reading: Promise<Rebuild[]> | undefined;

  /** A store that does not answer shows nothing here; readiness says why. */
  async function readNow(): Promise<Rebuild[]> {
    const all = await rebuilds.list().catch(() => []);
    reading = undefined;
    return all.filter(({ state }) => state !== 'dropped');
  }

  const gauge = (
    name: string,
    help: string,
    of: (rebuild: Rebuild) => { value: number; labels?: Record<string, string> },
    labelNames: readonly string[] = [],
  ) =>
    new Gauge({
      ...{ name, help, labelNames: ['generation', ...labelNames], registers: [registry] },
      async collect() {
        reading ??= readNow();
        const shown = await reading;
        this.reset();
        for (const rebuild of shown) {
          const { value, labels } = of(rebuild);
          this.set({ generation: rebuild.id, ...labels }, value);
        }
      },
    });

  gauge(
    'generation_state',
    'The generations of the read model: 1, with the state that each is in',
    ({ state }) => ({ value: 1, labels: { state } }),
    ['state'],
  );
  gauge('generation_live', 'Whether answers come from this generation', ({ live }) => ({
    value: Number(live),
  }));
  gauge('generation_events_applied', 'How many events this generation counts', ({ events }) => ({
    value: events.applied,
  }));
  gauge(
    'generation_events_known',
    'How many events the owner has, as far as this generation knows',
    ({ events }) => ({
      value: events.total,
    }),
  );
  gauge(
    'generation_rows_differing',
    'How many rows differed from the live generation when it was compared last',
    ({ comparison }) => ({ value: comparison?.differing ?? 0 }),
  );
  gauge(
    'generation_hindered',
    'Whether something keeps this generation from getting further: `reason` of GET /rebuilds says what',
    ({ reason }) => ({ value: Number(reason !== null) }),
  );
}
