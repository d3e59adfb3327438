import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { locateBinaries } from './binaries.ts';
import { clusterOwner, prepareCluster } from './cluster.ts';
import { endLeftOver, endServer, readPidFile } from './leftover.ts';
import { chooseRunAs, cleanEnvironment, readPasswd, runAsCandidates } from './user.ts';

/**
 * A local PostgreSQL server, from the programs of an npm package: no container, no installed database.
 *
 * - It runs in a process group of its own, so that Ctrl-C does not end it before its clients have finished. It ends only when
 *   `stop` is called.
 * - It listens on 127.0.0.1 alone and requires a password (SCRAM).
 * - A start first ends a server that a killed parent left running, and creates a half-created data folder again.
 * - `stop` is a "fast" shutdown (PostgreSQL manual, 18.5): clients are disconnected, the data is flushed. A server that does not
 *   end in time is killed, and recovers at its next start.
 */
export type EmbeddedServer = {
  /** The superuser's URL of the database `postgres`, with the password. */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
};

export type EmbeddedServerOptions = {
  /** The data folder; created if it is missing. Folders beside it have its name with an ending. */
  readonly folder: string;
  readonly port: number;
  readonly superuserPassword: string;
  /** More server settings, such as `fsync: 'off'` for tests; they replace ours. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Called once when the server ends by itself, with its last lines of output. */
  readonly onExit?: (lastWords: string) => void;
  /** Called with each line that the server prints. */
  readonly log?: (line: string) => void;
};

/** Of several instances of each service, as while a version is exchanged: an instance of tracking alone takes up to 30. */
const MAX_CONNECTIONS = '200';
const READY_CAP_MS = 60_000;
const ORPHANED_MEMORY_CAP_MS = 10_000;
const POLL_MS = 10;
const RETRY_MS = 100;
const LAST_LINES = 10;

/**
 * Starts the server and resolves once it accepts connections. Rejects with the code `EADDRINUSE` when the port is taken; every
 * other error contains the server's output.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const { port, superuserPassword, settings = {}, onExit, log = () => {} } = options;
  const folder = await realFolder(options.folder);
  const binaries = await locateBinaries(`${folder}.lib`);
  const environment = cleanEnvironment(binaries.environment);
  const self = { uid: process.geteuid!(), gid: process.getegid!() };
  const runAs = await chooseRunAs(runAsCandidates(self, await clusterOwner(folder), await readPasswd()), {
    postgres: binaries.postgres,
    parent: dirname(folder),
    environment,
  });
  await endLeftOver(folder, log);
  const durable = settings.fsync !== 'off';
  await prepareCluster({ folder, superuserPassword, binaries, runAs, environment, durable });

  const [file, ...args] = [
    ...runAs.prefix,
    binaries.postgres,
    ...['-D', folder, '-p', String(port)],
    ...Object.entries({
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: MAX_CONNECTIONS,
      ...settings,
    }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const launch = () => {
    const child = spawn(file!, args, {
      env: environment,
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...runAs.identity,
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

/** The folder's absolute path without links, which identifies a left-over server. */
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
  // `close` and not `exit`, because by then every line that it printed has been read.
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

/** The workers of a killed server hold its shared memory a moment longer; PostgreSQL refuses to start until they end. */
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
