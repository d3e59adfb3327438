/**
 * Who runs on a data folder: one launcher, and the processes it started. Each has a file here with its process id and its start
 * time. So the launcher after a killed one finds the processes it left behind, and never mistakes another process for one.
 */
import { writeFileSync } from 'node:fs';
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identityOf, isRunning, type ProcessIdentity } from './process-identity.ts';

export type RunFolder = {
  /** Records a process that was just started. Synchronous, so that nothing can happen in between. */
  remember(name: string, pid: number): void;
  forget(name: string): Promise<void>;
  /** Ends every process that an earlier launcher left behind: by SIGTERM, and after ten seconds by SIGKILL. */
  endLeftOver(log: (line: string) => void): Promise<void>;
  /** Releases the data folder for the next launcher. */
  release(): Promise<void>;
};

const LAUNCHER = 'launcher.pid';
const ENDING = '.process.pid';
const LOCK_ATTEMPTS = 20;
const TERM_CAP_MS = 10_000;
const KILL_CAP_MS = 5_000;
const POLL_MS = 20;

/** Takes the folder for this process. Throws the error of `inUse` if a living launcher has it. */
export async function takeRunFolder(
  folder: string,
  inUse: (pid: number) => string = systemRuns,
): Promise<RunFolder> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = join(folder, LAUNCHER);
  await takeLock(lock, inUse);
  const fileOf = (name: string) => join(folder, `${name}${ENDING}`);
  return {
    remember: (name, pid) => {
      const identity = identityOf(pid);
      if (identity) writeFileSync(fileOf(name), JSON.stringify(identity));
    },
    forget: (name) => rm(fileOf(name), { force: true }),
    endLeftOver: async (log) => {
      const names = (await readdir(folder)).filter((name) => name.endsWith(ENDING));
      await Promise.all(
        names.map((name) => endLeftProcess(join(folder, name), name.slice(0, -ENDING.length), log)),
      );
    },
    release: () => rm(lock, { force: true }),
  };
}

/** The process id of the living launcher that has the folder, if there is one. */
export async function holderOf(folder: string): Promise<number | undefined> {
  const holder = await readMark(join(folder, LAUNCHER));
  return holder && isRunning(holder) ? holder.pid : undefined;
}

async function takeLock(lock: string, inUse: (pid: number) => string): Promise<void> {
  const draft = `${lock}.${process.pid}`;
  await writeFile(draft, JSON.stringify(identityOf(process.pid)));
  try {
    for (let attempt = 1; attempt <= LOCK_ATTEMPTS; attempt += 1) {
      // A link appears completely or not at all, and for one process only.
      const taken = await link(draft, lock).then(
        () => true,
        () => false,
      );
      if (taken) return;
      const holder = await readMark(lock);
      if (holder && isRunning(holder)) throw new Error(inUse(holder.pid));
      await removeStale(lock, holder);
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new Error(`${lock} cannot be taken; remove it when no system runs on this DATA_DIR`);
}

/** Moves a dead launcher's lock away, unless another process was faster and the lock is now a living one's. */
async function removeStale(lock: string, stale: ProcessIdentity | undefined): Promise<void> {
  const aside = `${lock}.stale.${process.pid}`;
  await rename(lock, aside).catch(() => {});
  const moved = await readMark(aside);
  if (moved && moved.pid !== stale?.pid && isRunning(moved)) await link(aside, lock).catch(() => {});
  await rm(aside, { force: true });
}

const systemRuns = (pid: number): string =>
  `a system already runs on this DATA_DIR (pid ${pid}); end it first, or give another DATA_DIR and PORT_BASE`;

async function endLeftProcess(file: string, name: string, log: (line: string) => void): Promise<void> {
  const left = await readMark(file);
  if (left && isRunning(left)) {
    log(`ending ${name}, left over from an earlier start (pid ${left.pid})`);
    await endProcess(left);
  }
  await rm(file, { force: true });
}

async function endProcess(identity: ProcessIdentity): Promise<void> {
  for (const { signal, capMs } of [
    { signal: 'SIGTERM', capMs: TERM_CAP_MS },
    { signal: 'SIGKILL', capMs: KILL_CAP_MS },
  ] as const) {
    if (!isRunning(identity)) return;
    process.kill(identity.pid, signal);
    for (let waitedMs = 0; waitedMs < capMs; waitedMs += POLL_MS) {
      if (!isRunning(identity)) return;
      await delay(POLL_MS);
    }
  }
  throw new Error(
    `the process with pid ${identity.pid}, left over from an earlier start, does not end; end it yourself`,
  );
}

async function readMark(file: string): Promise<ProcessIdentity | undefined> {
  try {
    const { pid, started } = JSON.parse(await readFile(file, 'utf8'));
    return Number.isSafeInteger(pid) && pid > 1 && typeof started === 'string' ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}
