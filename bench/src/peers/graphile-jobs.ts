/**
 * graphile-worker: from the acknowledgement of `add_job` to the beginning of its task, in a worker of its own process, at
 * half of the rate at which jobs can be added and run at the same time.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { makeWorkerUtils } from 'graphile-worker';
import { atRate } from '../at-rate.ts';
import { onFreshDatabase, type Server } from '../database.ts';
import { keepInFlight } from '../in-flight.ts';
import { requireSame } from '../protocol.ts';

const WIDTH = 16;
const MAX_RATE_SECONDS = 3;
const QUIET_CAP_MS = 60_000;

/** Latencies in milliseconds, and the rate they were measured at. */
export const latenciesOfJobs = (
  server: Server,
  seconds: number,
): Promise<{ latenciesMs: number[]; perSecond: number }> =>
  onFreshDatabase(server, async (url) => {
    const utils = await makeWorkerUtils({ connectionString: url });
    await utils.migrate();
    const worker = fork(fileURLToPath(new URL('./graphile-main.ts', import.meta.url)), {
      env: { PATH: process.env.PATH, STORE_URL: url, NO_LOG_SUCCESS: '1' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
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

      started.clear();
      const acknowledged: number[] = [];
      const perSecond = maxPerSecond / 2;
      await atRate({ perSecond, seconds, width: WIDTH }, async (n) => {
        await utils.addJob('count', { n });
        acknowledged[n] = performance.timeOrigin + performance.now();
      });
      await allStarted(acknowledged.length);
      requireSame('jobs run', started.size, acknowledged.length);
      const latenciesMs = acknowledged.map((atMs, n) => Math.max(0, started.get(n)! - atMs));
      return { latenciesMs, perSecond };
    } finally {
      const ended = once(worker, 'exit');
      worker.kill('SIGTERM');
      await ended;
      await utils.release();
    }
  });
