/**
 * A broker outlives a parent that is killed, and keeps its ports and its data folder. Its process id is written beside
 * its data; only a process whose command line names this very folder is that broker, and only that is sent a signal.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { readdir, readFile, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const NODE = /^node[0-9]+$/;
const PID_FILE = 'broker.pid';
const PS_TIMEOUT_MS = 5_000;
const POLL_MS = 20;

/** A broker takes a second to end in order; one that lost its fellows would wait minutes for them. */
const SHUTDOWN = [
  { signal: 'SIGTERM', capMs: 10_000 },
  { signal: 'SIGKILL', capMs: 5_000 },
] as const;

/** A node's own folder within its cluster's, whose name has no links in it, as the broker is known by it again. */
export const nodeFolderOf = (clusterFolder: string, id: number): string => join(clusterFolder, `node${id}`);

export const propertiesFileOf = (nodeFolder: string): string => join(nodeFolder, 'server.properties');

/** Synchronous, so that nothing comes between the start and this. */
export const rememberBroker = (nodeFolder: string, pid: number): void =>
  writeFileSync(join(nodeFolder, PID_FILE), String(pid));

export const forgetBroker = (nodeFolder: string): Promise<void> =>
  rm(join(nodeFolder, PID_FILE), { force: true });

/** Ends the brokers left over in a cluster's folder. Throws when one does not end. */
export async function endLeftOverBrokers(folder: string, log: (line: string) => void): Promise<void> {
  const home = await realpath(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (home === undefined) return;
  const names = (await readdir(home)).filter((name) => NODE.test(name));
  await Promise.all(names.map((name) => endLeftOver(join(home, name), log)));
}

async function endLeftOver(nodeFolder: string, log: (line: string) => void): Promise<void> {
  const pid = Number(await readFile(join(nodeFolder, PID_FILE), 'utf8').catch(() => ''));
  if (pid > 1 && (await isBrokerOf(pid, nodeFolder))) {
    log(`ending the broker left over from an earlier run (pid ${pid})`);
    await endBroker(pid, async () => !(await isBrokerOf(pid, nodeFolder)));
  }
  await forgetBroker(nodeFolder);
}

/** Ends a broker by ever harder ways; comes back once it `isGone`, and throws when nothing helps. */
export async function endBroker(pid: number, isGone: () => boolean | Promise<boolean>): Promise<void> {
  for (const { signal, capMs } of SHUTDOWN) {
    if (await isGone()) return;
    send(pid, signal);
    // One that was stopped (SIGSTOP) hears of its end only when it goes on.
    send(pid, 'SIGCONT');
    for (let waitedMs = 0; waitedMs < capMs; waitedMs += POLL_MS) {
      if (await isGone()) return;
      await delay(POLL_MS);
    }
  }
  throw new Error(`the Kafka broker with pid ${pid} does not end; end it yourself and start again`);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has just ended.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A zombie has no command line, so it counts as gone. */
async function isBrokerOf(pid: number, nodeFolder: string): Promise<boolean> {
  const ending = `kafka.Kafka ${propertiesFileOf(nodeFolder)}`;
  if (process.platform === 'linux') {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return command.replaceAll('\0', ' ').trimEnd().endsWith(ending);
  }
  const said = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)], {
    timeout: PS_TIMEOUT_MS,
  }).catch(() => undefined);
  return said?.stdout.trimEnd().endsWith(ending) ?? false;
}
