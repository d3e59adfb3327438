/**
 * The launcher as a process, with the services that it runs. Whoever is killed is started again: the services by the
 * launcher, the launcher by this file, at once. A launcher that ends although nobody told it to has failed, and is not.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning, type ProcessIdentity } from '@micromart/launcher/process-identity';
import { takeRunFolder } from '@micromart/launcher/run-folder';
import { until } from '@micromart/testing/until';

export type LauncherProcess = {
  /** A process that runs, `launcher` or a service by its name; waits until there is one. */
  find(name: string): Promise<ProcessIdentity>;
  /** Tells the launcher, which will end by it or stand still, and come back. */
  signal(signal: NodeJS.Signals): void;
  /** How each process ended, in the order in which they did. */
  readonly ends: readonly { readonly name: string; readonly how: string }[];
  /** Ends all of it, whatever state it is in. */
  stop(): Promise<void>;
};

const LAUNCHER = 'launcher';
const STOP_CAP_MS = 20_000;
const LAST_LINES = 20;
/** As the launcher prints what a service logs at that level, which faults alone do not cause. */
const ERROR = /^\S+\s+error: /;
const END = /^(\S+)\s+((?:ended with code|was ended by) \S+?);/;

export function startLauncherProcess({
  command,
  dataDir,
  environment,
  onError,
}: {
  /** The file that Node runs, and its arguments. */
  command: readonly string[];
  dataDir: string;
  environment: Readonly<Record<string, string>>;
  /** Hears the errors that a service prints. */
  onError: (line: string) => void;
}): LauncherProcess {
  const ends: { name: string; how: string }[] = [];
  const lastLines: string[] = [];
  let child: ChildProcess;
  let told = false;
  let stopping = false;
  let failure: Error | undefined;

  const onLine = (line: string) => {
    lastLines.push(line);
    if (lastLines.length > LAST_LINES) lastLines.shift();
    const [, name, how] = END.exec(line) ?? [];
    if (name && how) ends.push({ name, how });
    else if (ERROR.test(line)) onError(line);
  };
  const launch = () => {
    told = false;
    const started = spawn(process.execPath, command, {
      env: { ...environment, DATA_DIR: dataDir },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    for (const stream of [started.stdout, started.stderr]) createInterface(stream).on('line', onLine);
    started.once('exit', (code, signal) => {
      ends.push({ name: LAUNCHER, how: signal ? `was ended by ${signal}` : `ended with code ${code}` });
      if (stopping) return;
      if (told) launch();
      else failure = new Error(`the launcher ended by itself:\n${lastLines.join('\n')}`);
    });
  };
  launch();

  return {
    ends,
    find: (name) =>
      until(async () => {
        if (failure) throw failure;
        const file = name === LAUNCHER ? `${LAUNCHER}.pid` : `${name}.process.pid`;
        const mark = JSON.parse(await readFile(join(dataDir, 'run', file), 'utf8')) as ProcessIdentity;
        return isRunning(mark) && mark;
      }),
    signal(signal) {
      told ||= signal === 'SIGKILL' || signal === 'SIGTERM';
      child.kill(signal);
    },
    async stop() {
      stopping = true;
      const last = child;
      if (last.exitCode === null && last.signalCode === null) {
        const exited = once(last, 'exit');
        last.kill('SIGCONT');
        last.kill('SIGTERM');
        const cap = delay(STOP_CAP_MS, undefined, { ref: false }).then(() => last.kill('SIGKILL'));
        await Promise.race([exited, cap]);
        await exited;
      }
      // What a launcher that was killed has left behind.
      const run = await takeRunFolder(join(dataDir, 'run'));
      await run.endLeftOver(() => {});
      await run.release();
    },
  };
}
