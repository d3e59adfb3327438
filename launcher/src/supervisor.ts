/**
 * Keeps one process running until `stop`.
 *
 * - It runs in its own process group, so Ctrl-C reaches only the launcher, which ends the processes in order.
 * - If it ends by itself it is restarted after a pause (back-off.ts), for ever, because what it needs may come back. It is
 *   not restarted if its exit code says that it would end the same way (`EXIT_MISCONFIGURED`).
 * - `stop` sends SIGTERM, kills it after ten seconds, and resolves once the process is gone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { EXIT_MISCONFIGURED } from '@micromart/service/run';
import { backOffMs } from './back-off.ts';

export type Command = {
  readonly file: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
};

export type Hooks = {
  /** Called right after each start, before anything else. */
  onStart(pid: number): void;
  onLine(line: string): void;
  /** Called when it ended by itself: how, and when it is restarted. */
  onEnd(how: string, againInMs: number): void;
  /** Called when it ended by itself, and will not be restarted. */
  onRefusal(): void;
};

export type Supervised = {
  stop(): Promise<void>;
  /** Kills it at once; a `stop` in progress then resolves sooner. */
  kill(): void;
};

const STOP_CAP_MS = 10_000;

export function supervise(command: Command, hooks: Hooks): Supervised {
  let child: ChildProcess | undefined;
  let again: NodeJS.Timeout | undefined;
  let waitMs = 0;
  let stopping: Promise<void> | undefined;

  const launch = () => {
    const sinceMs = performance.now();
    const started = spawn(command.file, command.arguments, {
      env: command.environment,
      cwd: command.folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    if (started.pid !== undefined) hooks.onStart(started.pid);
    for (const stream of [started.stdout, started.stderr]) createInterface(stream).on('line', hooks.onLine);
    const onEnd = (how: string) => {
      child = undefined;
      if (stopping) return;
      waitMs = backOffMs(waitMs, performance.now() - sinceMs);
      hooks.onEnd(how, waitMs);
      again = setTimeout(launch, waitMs);
    };
    started.once('error', (error) => {
      if (started.pid === undefined) onEnd(`could not start: ${error.message}`);
    });
    started.once('exit', (code, signal) => {
      if (code === EXIT_MISCONFIGURED && !stopping) {
        child = undefined;
        // After this event its last line has been read.
        started.once('close', () => hooks.onRefusal());
      } else onEnd(signal ? `was ended by ${signal}` : `ended with code ${code}`);
    });
  };

  const end = async () => {
    clearTimeout(again);
    const last = child;
    if (!last) return;
    const exited = new Promise<void>((done) => last.once('exit', () => done()));
    last.kill('SIGTERM');
    const cap = setTimeout(() => last.kill('SIGKILL'), STOP_CAP_MS);
    await exited;
    clearTimeout(cap);
  };

  launch();
  return {
    stop: () => {
      stopping ??= end();
      return stopping;
    },
    kill: () => {
      child?.kill('SIGKILL');
    },
  };
}
