/** A service as `npm start` runs it: a process of its own, with the launcher's flags for Node. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NODE_ENVIRONMENT, NODE_FLAGS } from '@micromart/launcher/node-settings';
import { isReady } from '@micromart/launcher/readiness';
import { retry } from '@micromart/process/retry';
import { freePort } from '@micromart/testing/free-port';
import { endWithUs } from './end-with-us.ts';

export type ServiceProcess = {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
};

const HOST = '127.0.0.1';
const PORT_ATTEMPTS = 3;
const READY_CAP_MS = 20_000;
const POLL_MS = 20;

/** Starts an entry file, told from the repository's root, and comes back when it says that it is ready. */
export const startProcess = (
  entry: string,
  settings: Readonly<Record<string, string>>,
): Promise<ServiceProcess> =>
  // Another process may take the port after it was found free.
  retry(async () => startOn(await freePort(), entry, settings), { attempts: PORT_ATTEMPTS });

async function startOn(
  port: number,
  entry: string,
  settings: Readonly<Record<string, string>>,
): Promise<ServiceProcess> {
  const child = spawn(
    process.execPath,
    [...NODE_FLAGS, fileURLToPath(new URL(`../../${entry}`, import.meta.url))],
    {
      env: {
        PATH: process.env.PATH,
        ...NODE_ENVIRONMENT,
        HOST,
        PORT: String(port),
        LOG_LEVEL: 'error',
        ...settings,
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  endWithUs(child);
  await awaitReadiness(child, `http://${HOST}:${port}`);
  return { host: HOST, port, pid: child.pid!, stop: () => end(child) };
}

const NEVER = new AbortController().signal;

async function awaitReadiness(child: ChildProcess, url: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < READY_CAP_MS; waitedMs += POLL_MS) {
    if (child.exitCode !== null) throw new Error(`the process that should answer ${url} ended`);
    if (await isReady(url, NEVER)) return;
    await sleep(POLL_MS);
  }
  await end(child);
  throw new Error(`${url} does not answer after ${READY_CAP_MS} ms`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
