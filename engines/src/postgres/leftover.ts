import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

/**
 * A server outlives a killed parent, and keeps the data folder and the port. It is found by the `postmaster.pid` in its folder,
 * and ended before another one starts. The system reuses process ids, so only a process whose command line names this data
 * folder is the server, and only that process is sent a signal. A zombie has no command line, so it counts as gone.
 */
export type PidFile = { readonly pid: number; readonly ready: boolean };

const SHUTDOWN = [
  { signal: 'SIGINT', capMs: 20_000 },
  { signal: 'SIGQUIT', capMs: 5_000 },
  { signal: 'SIGKILL', capMs: 5_000 },
] as const;
const POLL_MS = 10;

/** Reads the text of a `postmaster.pid` (PostgreSQL's pidfile.h); undefined while it is incomplete. */
export function parsePidFile(text: string): PidFile | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
  return { pid, ready: lines[7] === 'ready' };
}

export async function readPidFile(folder: string): Promise<PidFile | undefined> {
  return parsePidFile(await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => ''));
}

/** Whether these arguments are the command line of a server of this data folder, as server.ts starts it. */
export const isServerCommand = (command: readonly string[], folder: string): boolean =>
  basename(command[0] ?? '') === 'postgres' && command[1] === '-D' && command[2] === folder;

/** Whether the process runs and is a server of this data folder (the absolute path that the server was started with). */
export async function isServerOf(pid: number, folder: string): Promise<boolean> {
  if (process.platform === 'linux') {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return isServerCommand(command.split('\0'), folder);
  }
  const command = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)])
    .then(({ stdout }) => stdout)
    .catch(() => '');
  return command.includes(`/postgres -D ${folder} `);
}

/**
 * Ends a server that was left running in this data folder and removes its pid file. Throws when it does not end.
 */
export async function endLeftOver(folder: string, log: (line: string) => void): Promise<void> {
  const left = await readPidFile(folder);
  if (left && (await isServerOf(left.pid, folder))) {
    log(`ending the server left over from an earlier run (pid ${left.pid})`);
    await endServer(left.pid, async () => !(await isServerOf(left.pid, folder)));
  }
  // PostgreSQL would trust a stale file when another process, or a zombie, has its process id now. It still protects the data
  // against a second server, because it also checks the shared memory of a running one.
  await rm(join(folder, 'postmaster.pid'), { force: true });
}

/**
 * Ends a server: fast, then immediate (PostgreSQL manual, 18.5), then by SIGKILL; after the latter two it recovers at its next
 * start. Resolves once it `isGone`; throws when nothing helps.
 */
export async function endServer(pid: number, isGone: () => boolean | Promise<boolean>): Promise<void> {
  for (const { signal, capMs } of SHUTDOWN) {
    if (await isGone()) return;
    process.kill(pid, signal);
    for (let waitedMs = 0; waitedMs < capMs; waitedMs += POLL_MS) {
      if (await isGone()) return;
      await delay(POLL_MS);
    }
  }
  throw new Error(`the PostgreSQL server with pid ${pid} does not end; end it yourself and start again`);
}
