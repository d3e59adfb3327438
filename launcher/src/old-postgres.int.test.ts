/** A start with a PostgreSQL that is too old. It needs one from the system's packages. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, globSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { openPool } from '@micromart/postgres/pool';
import { freePort } from '@micromart/testing/free-port';
import { until } from '@micromart/testing/until';
import { freePortBase } from './testing/free-port-base.ts';

const TEST_CAP_MS = 120_000;
const NOBODY = 65_534;
const [programs] = globSync('/usr/lib/postgresql/{13,14,15,16}/bin');
const main = fileURLToPath(new URL('./main.ts', import.meta.url));

(programs ? describe : describe.skip)('with a PostgreSQL that is too old', () => {
  let home: string;
  let server: ChildProcess;
  let port: number;
  let launcher: ChildProcess | undefined;

  beforeAll(async () => {
    home = await mkdtemp(join(await realpath(tmpdir()), 'old-'));
    chmodSync(home, 0o777);
    const data = join(home, 'data');
    // PostgreSQL refuses to run as root.
    const identity = process.getuid!() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    const options = { cwd: '/', env: { PATH: process.env.PATH }, ...identity };
    execFileSync(join(programs!, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-N'], {
      ...options,
      stdio: 'ignore',
    });
    port = await freePort();
    const settings = [
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'unix_socket_directories=',
      '-c',
      'fsync=off',
    ];
    server = spawn(join(programs!, 'postgres'), ['-D', data, '-p', String(port), ...settings], {
      ...options,
      stdio: 'ignore',
    });
    const pool = openPool(`postgres://postgres:x@127.0.0.1:${port}/postgres`, { max: 1, name: 'test' });
    await until(() => pool.query('SELECT 1'));
    await pool.end();
  }, TEST_CAP_MS);

  /** The process ends by itself, unless the test fails. */
  afterEach(async () => {
    if (!launcher || launcher.exitCode !== null) return;
    const ended = once(launcher, 'exit');
    launcher.kill('SIGTERM');
    await ended;
  });

  afterAll(async () => {
    if (server) {
      const ended = once(server, 'exit');
      server.kill('SIGQUIT');
      await ended;
    }
    await rm(home, { recursive: true, force: true });
  });

  test.each([['CART_STORE_URL'], ['TRACKING_STORE_URL'], ['CATALOG_STORE_URL'], ['QUEUE_URL']])(
    'given by %s, the start ends at once, and says what is needed and what was found',
    async (name) => {
      const folder = join(home, `of ${name}`);
      await mkdir(folder);
      await chmod(folder, 0o711);
      const child = spawn(process.execPath, [main], {
        env: {
          PATH: process.env.PATH,
          DATA_DIR: join(folder, 'data'),
          PORT_BASE: String(await freePortBase()),
          API_ROLE: 'postgres',
          [name]: `postgres://postgres:secret@127.0.0.1:${port}/postgres`,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      launcher = child;
      const [stdout, stderr, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'exit'),
      ]);
      expect(code).toBe(1);
      expect(stdout).toMatch(
        new RegExp(
          `fatal: PostgreSQL 17 or newer is needed; 127\\.0\\.0\\.1:${port}/postgres is 1[3-6]\\.\\d+\n`,
        ),
      );
      expect(stdout).not.toMatch(/secret|starts again|Everything runs/);
      expect(stderr).toMatch(/^[a-z-]+ cannot run with its settings, as it says above\n$/);
    },
    TEST_CAP_MS,
  );
});
