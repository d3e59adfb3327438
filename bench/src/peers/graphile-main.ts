/** A worker of graphile-worker in a process of its own: tells its parent when each job's task began. */
import { run } from 'graphile-worker';

const CONCURRENCY = 8;

const runner = await run({
  connectionString: process.env.STORE_URL!,
  concurrency: CONCURRENCY,
  noHandleSignals: true,
  taskList: {
    count: async (payload) => {
      const { n } = payload as { n: number };
      process.send!({ n, startedMs: performance.timeOrigin + performance.now() });
    },
  },
});
process.send!('ready');
process.on('SIGTERM', async () => {
  await runner.stop();
  process.exit(0);
});
