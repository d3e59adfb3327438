/** For tests: a service as its own process, which can be killed and started again at the same address. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isReady } from '@micromart/launcher/readiness';
import { freePort } from '@micromart/testing/free-port';
import { until } from '@micromart/testing/until';

export type ServiceProcess = {
  readonly url: string;
  /** Starts it, and resolves when it is ready. */
  start(): Promise<void>;
  /** Ends it, if it runs, and resolves when it has ended. */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
};

/** A start takes a second or two; the rest is for a busy machine. */
const START_CAP_MS = 60_000;
const NEVER = new AbortController().signal;
const HOST = '127.0.0.1';

/** `entry` is the entry file, relative to the repository's root. */
export async function openServiceProcess(
  entry: string,
  settings: Readonly<Record<string, string>>,
): Promise<ServiceProcess> {
  const port = await freePort();
  const url = `http://${HOST}:${port}`;
  let child: ChildProcess | undefined;
  return {
    url,
    async start() {
      const started = spawn(process.execPath, [fileURLToPath(new URL(`../../${entry}`, import.meta.url))], {
        env: { ...settings, HOST, PORT: String(port), LOG_LEVEL: 'error', METRICS_OPEN: 'true' },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      child = started;
      const hasBegun = async () => started.exitCode !== null || (await isReady(url, NEVER));
      await until(hasBegun, { capMs: START_CAP_MS });
      if (started.exitCode !== null) throw new Error(`${entry} ended with ${started.exitCode}`);
    },
    async kill(signal = 'SIGKILL') {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    },
  };
}
