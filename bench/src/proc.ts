/** What Linux tells of processes; elsewhere there is nothing to read, and the figures that need it say so. */
import { readdir, readFile } from 'node:fs/promises';

export type ProcessInfo = { readonly pid: number; readonly parent: number; readonly command: string };

const KB_PER_MB = 1_024;

/** A process and all below it, except itself. */
export async function descendantsOf(pid: number): Promise<ProcessInfo[]> {
  const all = (await Promise.all((await readdir('/proc')).map(readInfo))).filter((one) => one !== undefined);
  const below = (parent: number): ProcessInfo[] =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)]);
  return below(pid);
}

/** Resident memory in megabytes. */
export const residentMb = (pid: number): Promise<number> => statusMb(pid, 'VmRSS');

/** The most that it has been. */
export const peakResidentMb = (pid: number): Promise<number> => statusMb(pid, 'VmHWM');

async function statusMb(pid: number, line: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${line}:\\s+(\\d+)`, 'm').exec(status)![1]) / KB_PER_MB;
}

async function readInfo(name: string): Promise<ProcessInfo | undefined> {
  if (!/^\d+$/.test(name)) return undefined;
  try {
    const [stat, command] = await Promise.all([
      readFile(`/proc/${name}/stat`, 'utf8'),
      readFile(`/proc/${name}/cmdline`, 'utf8'),
    ]);
    // The name in brackets may hold anything; what follows its last bracket does not.
    const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid: Number(name), parent: Number(parent), command: command.replaceAll('\0', ' ').trim() };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}
