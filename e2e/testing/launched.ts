/** For tests: the system as `npm start` runs it, with its own data folder and ports, which can stop and start again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openIssuer } from '@micromart/engines/issuer/issuer';
import { issuerFolderOf } from '@micromart/launcher/plan';
import { freePortBase } from '@micromart/launcher/testing/free-port-base';
import { until } from '@micromart/testing/until';
import { type Ask, createAsk } from './shop.ts';

export type Launched = {
  readonly portBase: number;
  /** Starts it and resolves once every service is ready; `words` are those after `npm start --`. */
  start(...words: string[]): Promise<void>;
  /** A token of a role, whose subject is the role's name. Only after the first start. */
  token(role: string): Promise<string>;
  /** A client of the service at this offset above `PORT_BASE`, in a role. Only after the first start. */
  client(portOffset: number, role: string): Promise<Ask>;
  /** Ends it in order. Rejects if it does not exit well. */
  stop(): Promise<void>;
  /** Ends it, and removes its data. */
  close(): Promise<void>;
};

const MAIN = fileURLToPath(new URL('../../launcher/src/main.ts', import.meta.url));
const TOKEN_TTL_S = 3_600;
const START_CAP_MS = 180_000;

export async function openLaunched(): Promise<Launched> {
  const home = await mkdtemp(join(await realpath(tmpdir()), 'micromart-e2e-'));
  // Root runs PostgreSQL as another user, who must be able to enter.
  await chmod(home, 0o711);
  const dataDir = join(home, 'data');
  const portBase = await freePortBase();
  let launcher: ChildProcess | undefined;
  const stop = async () => {
    const ending = launcher;
    launcher = undefined;
    if (!ending) return;
    const exited = once(ending, 'exit');
    if (ending.exitCode === null && ending.signalCode === null) {
      ending.kill('SIGTERM');
      await exited;
    }
    if (ending.exitCode !== 0) throw new Error(`the launcher ended with ${ending.exitCode}`);
  };
  const tokenOf = async (role: string) => {
    const issuer = await openIssuer(issuerFolderOf(dataDir));
    return issuer.sign({ subject: role, roles: [role], ttlS: TOKEN_TTL_S });
  };
  return {
    portBase,
    async start(...words) {
      const started = spawn(process.execPath, [MAIN, ...words], {
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          DATA_DIR: dataDir,
          PORT_BASE: String(portBase),
          METRICS_OPEN: 'true',
          RATE_LIMIT_PER_SECOND: '1000000',
          READ_LIMIT_PER_SECOND: '1000000',
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      launcher = started;
      let printed = '';
      for (const stream of [started.stdout, started.stderr]) {
        stream.on('data', (chunk) => {
          printed += chunk;
        });
      }
      const isUp = () => printed.includes('Everything runs') || started.exitCode !== null;
      await until(isUp, { capMs: START_CAP_MS });
      if (started.exitCode !== null || printed.includes('is not ready yet')) throw new Error(printed);
    },
    async client(portOffset, role) {
      return createAsk(`http://127.0.0.1:${portBase + portOffset}`, await tokenOf(role));
    },
    token: tokenOf,
    stop,
    async close() {
      await stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
