import { Counter, Gauge, type Registry } from 'prom-client';
import type { ChangeStream } from './change-stream.ts';

/** Shows how many listen to changes at this instance, and how many were cut because they did not read. */
export function createChangeMetrics(
  registry: Registry,
  changes: Pick<ChangeStream, 'listening' | 'cut'>,
): void {
  new Gauge({
    name: 'changes_listeners',
    help: 'How many clients listen to changes of counters',
    registers: [registry],
    collect() {
      this.set(changes.listening);
    },
  });
  new Counter({
    name: 'changes_listeners_cut_total',
    help: 'How many of them were cut because they took nothing for ten seconds',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(changes.cut);
    },
  });
}
