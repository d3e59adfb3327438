import { Counter, Gauge, type Registry } from 'prom-client';
import type { ChunkOutcome, FinalState, JobRequest } from '../job.ts';
import type { JobRepository } from './job-repository.ts';

type Kind = JobRequest['kind'];

export type JobMetrics = {
  ended(kind: Kind, state: FinalState): void;
  takenOver(kind: Kind): void;
  chunk(outcome: ChunkOutcome): void;
  upstreamFailed(fault: string): void;
};

/** A worker's metrics of its jobs. The number of waiting jobs is queried when the metrics are read. */
export function createJobMetrics(
  registry: Registry,
  { waiting }: Pick<JobRepository, 'waiting'>,
): JobMetrics {
  const registers = [registry];
  const ended = new Counter({
    name: 'catalog_jobs_ended_total',
    help: 'Jobs that this worker ended',
    labelNames: ['kind', 'state'],
    registers,
  });
  const takenOver = new Counter({
    name: 'catalog_jobs_taken_over_total',
    help: 'Jobs that this worker took over from one that did not end them',
    labelNames: ['kind'],
    registers,
  });
  const rows = new Counter({
    name: 'catalog_import_rows_total',
    help: 'Rows of feeds, by result',
    labelNames: ['result'],
    registers,
  });
  const failures = new Counter({
    name: 'catalog_import_upstream_failures_total',
    help: 'Readings of feeds that failed, by reason',
    labelNames: ['fault'],
    registers,
  });
  new Gauge({
    name: 'catalog_jobs_waiting',
    help: 'Jobs that are queued or active, with any worker',
    labelNames: ['kind', 'state'],
    registers,
    async collect() {
      this.reset();
      for (const { kind, state, jobs } of await waiting()) this.set({ kind, state }, jobs);
    },
  });
  return {
    ended: (kind, state) => ended.inc({ kind, state }),
    takenOver: (kind) => takenOver.inc({ kind }),
    chunk({ tally, rejected }) {
      for (const [result, count] of Object.entries({ ...tally, rejected: rejected.length })) {
        rows.inc({ result }, count);
      }
    },
    upstreamFailed: (fault) => failures.inc({ fault }),
  };
}
