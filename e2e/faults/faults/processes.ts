/** Processes that are killed and frozen. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Load } from '../load/load.ts';
import type { Fault, Struck } from './fault.ts';
import { shortly, sideWith, strikeNow } from './moment.ts';

/** It may have ended since it was listed. */
export function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export function killService(name: string): Fault {
  return {
    says: `SIGKILL of ${name}`,
    figure: 'kills of services',
    kills: 'service',
    async strike({ system, load, draw }) {
      const { pid } = await sideWith(name, system, draw).launcher.find(name);
      return strikeNow(load, () => process.kill(pid, 'SIGKILL'));
    },
  };
}

/** `ms` instead of a short time. */
export function freezeProcess(name: string, ms?: number): Fault {
  return {
    says: `SIGSTOP of ${name}, and SIGCONT`,
    figure: 'freezes',
    async strike({ system, load, draw }) {
      const { pid } = await sideWith(name, system, draw).launcher.find(name);
      return freeze(load, [pid], ms ?? shortly(draw));
    },
  };
}

export async function freeze(load: Load, pids: readonly number[], ms: number): Promise<Struck> {
  const struck = await strikeNow(load, () => signalAll(pids, 'SIGSTOP'));
  await sleep(ms);
  signalAll(pids, 'SIGCONT');
  return struck;
}

/** Some of PostgreSQL's processes may have ended by themselves. */
function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
