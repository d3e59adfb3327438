import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { locateBinaries } from './binaries.ts';
import { clusterOwner, prepareCluster } from './cluster.ts';
import { endLeftOver, endServer, readPidFile } from './leftover.ts';
import { chooseWay, cleanEnvironment, readPasswd, waysToRun } from './user.ts';

/**
 * A PostgreSQL server of our own, from the programs of an npm package: no container, no installed database.
 *
 * - It runs in a process group of its own, so that Ctrl-C does not reach it before its clients have finished: it ends
 *   when `stop` is called, and only then.
 * - It listens on 127.0.0.1 alone and asks for a password there (SCRAM).
 * - A server left over by a killed parent is ended first; a half-made data folder is made anew.
 * - `stop` ends it in the "fast" way (PostgreSQL manual, 18.5): clients are cut, the data is flushed. It always comes
 *   back: a server that does not end in time is ended the hard way and recovers at its next start.
 */
export type EmbeddedServer = {
  /** Superuser's URL of the database `postgres`; it holds the password. */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
};

export type EmbeddedServerOptions = {
  /** The data folder; made when it is not there. Folders beside it bear its name and an ending. */
  readonly folder: string;
  readonly port: number;
  readonly superuserPassword: string;
  /** Server settings besides our own, such as `fsync: 'off'` for tests. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Called once when the server ends by itself, with what it said last. */
  readonly onExit?: (lastWords: string) => void;
  /** Called with each line the server prints. */
  readonly log?: (line: string) => void;
};

const READY_CAP_MS = 60_000;
const ORPHANED_MEMORY_CAP_MS = 10_000;
const POLL_MS = 10;
const RETRY_MS = 100;
const LAST_LINES = 10;

/**
 * Starts the server and comes back once it takes connections. An error with the code `EADDRINUSE` says that the port is
 * taken; every error's message says what the server said.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const { port, superuserPassword, settings = {}, onExit, log = () => {} } = options;
  const folder = await realFolder(options.folder);
  const binaries = await locateBinaries(`${folder}.lib`);
  const environment = cleanEnvironment(binaries.environment);
  const self = { uid: process.geteuid!(), gid: process.getegid!() };
  const way = await chooseWay(waysToRun(self, await clusterOwner(folder), await readPasswd()), {
    postgres: binaries.postgres,
    parent: dirname(folder),
    environment,
  });
  await endLeftOver(folder, log);
  const durable = settings.fsync !== 'off';
  await prepareCluster({ folder, superuserPassword, binaries, way, environment, durable });

  const [file, ...args] = [
    ...way.prefix,
    binaries.postgres,
    ...['-D', folder, '-p', String(port)],
    ...Object.entries({
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '100',
      ...settings,
    }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const launch = () => {
    const child = spawn(file!, args, {
      env: environment,
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...way.identity,
    });
    return awaitReady(child, { folder, port, log });
  };
  const { child, lastLines } = await retryWhileMemoryIsHeld(launch);
  let stopping: Promise<void> | undefined;
  child.once('exit', () => {
    if (!stopping) onExit?.(lastLines.join('\n'));
  });
  return {
    url: `postgres://postgres:${encodeURIComponent(superuserPassword)}@127.0.0.1:${port}/postgres`,
    pid: child.pid!,
    stop: () => {
      stopping ??= endServer(child.pid!, () => hasEnded(child));
      return stopping;
    },
  };
}

/** The folder's absolute name without links: by it a left-over server is known again. */
async function realFolder(folder: string): Promise<string> {
  const absolute = resolve(folder);
  await mkdir(dirname(absolute), { recursive: true });
  return join(await realpath(dirname(absolute)), basename(absolute));
}

type Launched = { readonly child: ChildProcess; readonly lastLines: readonly string[] };

/** Waits until `postmaster.pid` says `ready`, as pg_ctl does. */
async function awaitReady(
  child: ChildProcess,
  { folder, port, log }: { folder: string; port: number; log: (line: string) => void },
): Promise<Launched> {
  const lastLines: string[] = [];
  createInterface(child.stderr!).on('line', (line) => {
    lastLines.push(line);
    if (lastLines.length > LAST_LINES) lastLines.shift();
    log(line);
  });
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  // `close` and not `exit`: by then every line it printed has been read.
  const closed = once(child, 'close').catch(() => {});
  for (let waitedMs = 0; waitedMs < READY_CAP_MS; waitedMs += POLL_MS) {
    if (failure) throw failure;
    if (hasEnded(child)) {
      await closed;
      throw startFailure(port, lastLines.join('\n'));
    }
    const file = await readPidFile(folder);
    if (file?.pid === child.pid && file?.ready) return { child, lastLines };
    await delay(POLL_MS);
  }
  child.kill('SIGQUIT');
  throw new Error(`PostgreSQL was not ready after ${READY_CAP_MS} ms: ${lastLines.join('\n')}`);
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

function startFailure(port: number, lastWords: string): Error {
  if (/address already in use/i.test(lastWords)) {
    return Object.assign(new Error(`port ${port} is taken`), { code: 'EADDRINUSE' });
  }
  return new Error(`PostgreSQL did not start: ${lastWords || 'it said nothing'}`);
}

/** The workers of a server that was killed hold its memory for a moment longer; PostgreSQL refuses until they end. */
async function retryWhileMemoryIsHeld(launch: () => Promise<Launched>): Promise<Launched> {
  for (let waitedMs = 0; ; waitedMs += RETRY_MS) {
    try {
      return await launch();
    } catch (error) {
      const held = error instanceof Error && error.message.includes('pre-existing shared memory block');
      if (!held || waitedMs >= ORPHANED_MEMORY_CAP_MS) throw error;
      await delay(RETRY_MS);
    }
  }
}
