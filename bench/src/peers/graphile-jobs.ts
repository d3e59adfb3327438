/**
 * graphile-worker: from `add_job` to the beginning of its task, in a worker of its own process. From its being called, as
 * graphile-worker's own latency test has it (perfTest/latencyTest.js), and from its being acknowledged.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { makeWorkerUtils } from 'graphile-worker';
import { atRate, type Latencies } from '../at-rate.ts';
import { onFreshDatabase, type Server } from '../database.ts';
import { endWithUs } from '../end-with-us.ts';
import { keepInFlight } from '../in-flight.ts';
import { requireSame } from '../protocol.ts';

const WIDTH = 16;
const MAX_RATE_SECONDS = 3;
const QUIET_CAP_MS = 60_000;

export type JobLatencies = { readonly called: Latencies; readonly acknowledged: Latencies };

/** Starts a worker, finds the rate at which jobs can be added and run at the same time, and has it measured. */
export const onGraphileJobs = <T>(
  server: Server,
  { seconds }: { seconds: number },
  leg: (measureAt: (perSecond: number) => Promise<JobLatencies>, maxPerSecond: number) => Promise<T>,
): Promise<T> =>
  onFreshDatabase(server, async (url) => {
    const utils = await makeWorkerUtils({ connectionString: url });
    await utils.migrate();
    const worker = fork(fileURLToPath(new URL('./graphile-main.ts', import.meta.url)), {
      env: { PATH: process.env.PATH, STORE_URL: url, NO_LOG_SUCCESS: '1' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    endWithUs(worker);
    try {
      const started = new Map<number, number>();
      const listeners = new Set<() => void>();
      const ready = new Promise<void>((resolve) =>
        worker.on('message', (message: 'ready' | { n: number; startedMs: number }) => {
          if (message === 'ready') return resolve();
          started.set(message.n, message.startedMs);
          for (const listener of listeners) listener();
        }),
      );
      const allStarted = (count: number) =>
        new Promise<void>((resolve, reject) => {
          const cap = setTimeout(() => reject(new Error('jobs were not run')), QUIET_CAP_MS);
          const look = () => {
            if (started.size < count) return;
            clearTimeout(cap);
            listeners.delete(look);
            resolve();
          };
          listeners.add(look);
          look();
        });
      await ready;

      let added = 0;
      const startedMs = performance.now();
      await keepInFlight({ width: WIDTH, seconds: MAX_RATE_SECONDS }, () =>
        utils.addJob('count', { n: -1 - added++ }),
      );
      await allStarted(added);
      const maxPerSecond = (added * 1_000) / (performance.now() - startedMs);

      return await leg(async (perSecond) => {
        started.clear();
        const called: number[] = [];
        const acknowledged: number[] = [];
        await atRate({ perSecond, seconds, width: WIDTH }, async (n) => {
          called[n] = nowMs();
          await utils.addJob('count', { n });
          acknowledged[n] = nowMs();
        });
        await allStarted(acknowledged.length);
        requireSame('jobs run', started.size, acknowledged.length);
        const since = (times: readonly number[]): Latencies => ({
          perSecond,
          latenciesMs: times.map((atMs, n) => Math.max(0, started.get(n)! - atMs)),
        });
        return { called: since(called), acknowledged: since(acknowledged) };
      }, maxPerSecond);
    } finally {
      const ended = once(worker, 'exit');
      worker.kill('SIGTERM');
      await ended;
      await utils.release();
    }
  });

/** On a clock that the worker's process shares. */
const nowMs = (): number => performance.timeOrigin + performance.now();
