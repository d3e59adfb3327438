import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, realpath } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { buildFerretdb } from './build.ts';

/**
 * A local MongoDB-compatible server on 127.0.0.1, without containers (build.ts says what it is).
 *
 * - It runs in a process group of its own, so that Ctrl-C does not end it before its clients have finished. It ends when `stop`
 *   is called, or when this process ends, because that closes its standard input.
 * - It has no passwords: every client that reaches the port may read and write.
 */
export type Ferretdb = {
  /** Without a database: add its name, as in `${url}catalog`. */
  readonly url: string;
  readonly pid: number;
  /** Shuts it down, or kills it when that takes too long; its data survives both. */
  stop(): Promise<void>;
};

export type FerretdbOptions = {
  /** The data folder; created if it is missing. */
  readonly folder: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Called once when the server ends by itself, with its last lines of output. */
  readonly onExit?: (lastWords: string) => void;
  /** Called with each line that the server prints, and when its program is built. */
  readonly log?: (line: string) => void;
};

const READY_CAP_MS = 30_000;
const STOP_CAP_MS = 10_000;
const KILL_CAP_MS = 5_000;
const LAST_LINES = 10;

/**
 * Starts the server and resolves once it listens; builds its program first if that is missing. Rejects with the code
 * `EADDRINUSE` when the port is taken.
 */
export async function startFerretdb({
  folder,
  port,
  onExit,
  log = () => {},
}: FerretdbOptions): Promise<Ferretdb> {
  const program = await buildFerretdb(log);
  await mkdir(folder, { recursive: true });
  const child = spawn(program, [`127.0.0.1:${port}`, await realpath(folder)], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // An error of writing to it only says that it has ended.
  child.stdin.on('error', () => {});
  const lastLines: string[] = [];
  createInterface(child.stderr).on('line', (line) => {
    lastLines.push(line);
    if (lastLines.length > LAST_LINES) lastLines.shift();
    log(line);
  });
  // `close` and not `exit`, because by then every line that it printed has been read.
  const ended = once(child, 'close').then(
    () => lastLines.join('\n'),
    (error: Error) => error.message,
  );
  const url = await awaitUrl(child, ended, port);
  let stopping: Promise<void> | undefined;
  void ended.then((lastWords) => {
    if (!stopping) onExit?.(lastWords);
  });
  return {
    url,
    pid: child.pid!,
    stop: () => {
      stopping ??= end(child, ended);
      return stopping;
    },
  };
}

/** When it listens, it prints its URL as the first line. */
async function awaitUrl(child: ChildProcess, ended: Promise<string>, port: number): Promise<string> {
  const cap = new AbortController();
  const outcome = await Promise.race([
    once(createInterface(child.stdout!), 'line').then(([url]) => ({ url: url as string })),
    ended.then((lastWords) => ({ failure: startFailure(port, lastWords) })),
    delay(READY_CAP_MS, undefined, { signal: cap.signal }).then(() => ({
      failure: new Error(`The MongoDB-compatible server was not ready after ${READY_CAP_MS} ms`),
    })),
  ]);
  cap.abort();
  if ('url' in outcome) return outcome.url;
  child.kill('SIGKILL');
  throw outcome.failure;
}

function startFailure(port: number, lastWords: string): Error {
  if (/address already in use/i.test(lastWords)) {
    return Object.assign(new Error(`port ${port} is taken`), { code: 'EADDRINUSE' });
  }
  return new Error(`The MongoDB-compatible server did not start: ${lastWords || 'it said nothing'}`);
}

async function end(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.stdin!.end();
  for (const [capMs, signal] of [
    [STOP_CAP_MS, 'SIGKILL'],
    [KILL_CAP_MS, undefined],
  ] as const) {
    const cap = new AbortController();
    const outcome = await Promise.race([
      ended.then(() => 'ended'),
      delay(capMs, 'late', { signal: cap.signal }).catch(() => 'ended'),
    ]);
    cap.abort();
    if (outcome === 'ended') return;
    if (signal) child.kill(signal);
  }
  throw new Error(`the MongoDB-compatible server with pid ${child.pid} does not end; end it yourself`);
}
