import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endLeftOver } from '@micromart/engines/postgres/leftover';
import { type EmbeddedServer, startEmbeddedServer } from '@micromart/engines/postgres/server';
import { freePort, startOnFreePorts } from './free-port.ts';
import { isAlive } from './is-alive.ts';

/**
 * One PostgreSQL server for a whole test run, in a temporary folder named after the run's process id. A killed run leaves
 * its server behind. The next run finds the folder, sees that its owner is gone, and removes both.
 */
const PREFIX = 'micromart-test-';

/**
 * Nothing that a test wrote must survive a crash. Several suites run at once, each with the pools of its services.
 */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', max_connections: '400' };

/** By its superuser's URL; it ends with this process at the latest. */
export type TestServer = Pick<EmbeddedServer, 'url' | 'stop'>;

export async function startTestServer(
  settings: Readonly<Record<string, string>> = {},
): Promise<EmbeddedServer> {
  await sweepAbandoned();
  const home = await mkdtemp(join(await realpath(tmpdir()), `${PREFIX}${process.pid}-`));
  // Root runs the server as `nobody`, who must be able to enter the folder.
  await chmod(home, 0o711);
  const server = await startOnFreePorts(() => startServer(join(home, 'data'), settings)).catch(
    async (error) => {
      await rm(home, { recursive: true, force: true });
      throw error;
    },
  );
  const endAtOnce = () => {
    try {
      process.kill(server.pid, 'SIGQUIT');
    } catch {
      // It has ended already.
    }
    rmSync(home, { recursive: true, force: true });
  };
  const onSignal = (signal: NodeJS.Signals) => {
    endAtOnce();
    process.kill(process.pid, signal);
  };
  process.once('exit', endAtOnce);
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  return {
    ...server,
    stop: async () => {
      process.off('exit', endAtOnce).off('SIGINT', onSignal).off('SIGTERM', onSignal);
      await server.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

const startServer = async (
  folder: string,
  settings: Readonly<Record<string, string>>,
): Promise<EmbeddedServer> =>
  startEmbeddedServer({
    folder,
    port: await freePort(),
    superuserPassword: randomBytes(12).toString('hex'),
    settings: { ...SETTINGS, ...settings },
  });

async function sweepAbandoned(): Promise<void> {
  const temporary = await realpath(tmpdir());
  for (const name of await readdir(temporary)) {
    const pid = Number(/^micromart-test-([0-9]+)-/.exec(name)?.[1]);
    if (!pid || isAlive(pid)) continue;
    const home = join(temporary, name);
    try {
      await endLeftOver(join(home, 'data'), () => {});
      await rm(home, { recursive: true, force: true });
    } catch {
      // Another user's run, which this one must not touch.
    }
  }
}
