/** The whole system as anybody starts it: `npm start`, with a data folder and ports of its own. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isReady } from '@micromart/launcher/readiness';
import { SYSTEM } from '@micromart/launcher/system';
import { freePortBase } from '@micromart/launcher/testing/free-port-base';
import { endWithUs } from './end-with-us.ts';

export type StartedSystem = {
  readonly pid: number;
  /** From the command to the last process's readiness. */
  readonly startedS: number;
  /** Where the process of that name listens. */
  urlOf(name: string): string;
  /** The value of an Authorization header. */
  authorize(role: 'shopper' | 'business'): Promise<string>;
  stop(): Promise<void>;
};

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const READY_CAP_MS = 60_000;
const POLL_MS = 10;

/** Starts in a folder that may hold an earlier start's data. */
export async function startSystem(dataDir: string): Promise<StartedSystem> {
  const portBase = await freePortBase();
  const environment = {
    ...process.env,
    DATA_DIR: dataDir,
    PORT_BASE: String(portBase),
    RATE_LIMIT_PER_SECOND: '1000000',
    READ_LIMIT_PER_SECOND: '1000000',
  };
  const startedMs = performance.now();
  const npm = spawn('npm', ['start', '--silent'], {
    cwd: ROOT,
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  endWithUs(npm);
  const stop = async () => {
    if (npm.exitCode !== null || npm.signalCode !== null) return;
    const ended = once(npm, 'exit');
    npm.kill('SIGTERM');
    await ended;
  };
  const urlOf = (wanted: string) => {
    const { portOffset } = SYSTEM.find(({ name }) => name === wanted)!;
    return `http://127.0.0.1:${portBase + portOffset}`;
  };
  try {
    for (const { name } of SYSTEM) await awaitReady(urlOf(name), () => npm.exitCode !== null);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    pid: npm.pid!,
    startedS: (performance.now() - startedMs) / 1_000,
    urlOf,
    async authorize(role) {
      const { stdout } = await promisify(execFile)('npm', ['run', '--silent', 'token', '--', role], {
        cwd: ROOT,
        env: environment,
      });
      return `Bearer ${stdout.trim()}`;
    },
    stop,
  };
}

const NEVER = new AbortController().signal;

async function awaitReady(url: string, hasEnded: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + READY_CAP_MS;
  while (performance.now() < deadlineMs && !hasEnded()) {
    if (await isReady(url, NEVER)) return;
    await sleep(POLL_MS);
  }
  throw new Error(
    `npm start ended, or ${url} was not ready after ${READY_CAP_MS} ms; npm start by itself says why`,
  );
}
