import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ENTRY = fileURLToPath(new URL('../worker-main.ts', import.meta.url));

export type WorkerProcess = {
  /** How many rows of feeds it has written. */
  rows(): Promise<number>;
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
  /** Kills it, whatever it is doing, if it has not ended. */
  kill(): Promise<void>;
};

/** Starts a worker as a process of its own; resolves when it listens. */
export async function startWorkerProcess(environment: Record<string, string>): Promise<WorkerProcess> {
  const child = spawn(process.execPath, [ENTRY], {
    env: { ...environment, METRICS_OPEN: 'true' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await addressOf(child);
  return {
    async rows() {
      const text = await (await fetch(`${url}/metrics`)).text();
      const counts = [...text.matchAll(/^catalog_import_rows_total\{.*\} ([0-9]+)$/gm)];
      return counts.reduce((sum, [, count]) => sum + Number(count), 0);
    },
    signal: (signal) => child.kill(signal),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

async function addressOf({ stdout }: ChildProcess): Promise<string> {
  const said: string[] = [];
  for await (const line of createInterface({ input: stdout! })) {
    said.push(line);
    const { msg, url } = JSON.parse(line) as { msg?: string; url?: string };
    if (msg === 'listening' && url) {
      stdout!.resume();
      return url;
    }
  }
  throw new Error(`the worker ended before it listened:\n${said.join('\n')}`);
}
