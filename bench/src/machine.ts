import { availableParallelism, loadavg, totalmem } from 'node:os';

/** What a figure was measured on, in general terms. */
export type Machine = {
  readonly cores: number;
  readonly memoryGb: number;
  readonly node: string;
  readonly postgres: string;
  /** One minute's, before the run. */
  readonly load: number;
};

const GB = 2 ** 30;

export const describeMachine = (postgres: string): Machine => ({
  cores: availableParallelism(),
  memoryGb: Math.round(totalmem() / GB),
  node: process.versions.node,
  postgres,
  load: Number(loadavg()[0]!.toFixed(2)),
});
