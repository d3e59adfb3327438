/**
 * A broker outlives a killed parent, and keeps its ports and its data folder. Its process id is stored beside its data. Only a
 * process whose command line names this folder is that broker, and only that process is sent a signal.
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

/** A broker shuts down within a second; one that has lost the other brokers would wait minutes for them. */
const SHUTDOWN = [
  { signal: 'SIGTERM', capMs: 10_000 },
  { signal: 'SIGKILL', capMs: 5_000 },
] as const;

/** A node's folder within its cluster's. The path must contain no links, because it identifies the broker later. */
export const nodeFolderOf = (clusterFolder: string, id: number): string => join(clusterFolder, `node${id}`);

export const propertiesFileOf = (nodeFolder: string): string => join(nodeFolder, 'server.properties');

/** Synchronous, so that nothing happens between the start and this. */
export const rememberBroker = (nodeFolder: string, pid: number): void =>
  writeFileSync(join(nodeFolder, PID_FILE), String(pid));

export const forgetBroker = (nodeFolder: string): Promise<void> =>
  rm(join(nodeFolder, PID_FILE), { force: true });

/** Ends the brokers that were left running in a cluster's folder. Throws when one does not end. */
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

/** Ends a broker with SIGTERM, then SIGKILL. Resolves once it `isGone`; throws when neither helps. */
export async function endBroker(pid: number, isGone: () => boolean | Promise<boolean>): Promise<void> {
  for (const { signal, capMs } of SHUTDOWN) {
    if (await isGone()) return;
    send(pid, signal);
    // A broker that was stopped (SIGSTOP) handles the signal only when it continues.
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
