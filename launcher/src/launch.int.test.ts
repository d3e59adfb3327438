import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { endLeftOver, readPidFile } from '@micromart/engines/postgres/leftover';
import { openPool } from '@micromart/postgres/pool';
import { until } from '@micromart/testing/until';
import { readAddresses } from './addresses.ts';
import { isRunning, type ProcessIdentity } from './process-identity.ts';
import { takeRunFolder } from './run-folder.ts';
import { SYSTEM } from './system.ts';
import { freePortBase } from './testing/free-port-base.ts';

/**
 * A service that knows its settings, answers like a filled catalog, records whether the database's port still answers while it
 * ends, and can be told not to end at all.
 */
const SERVICE = `
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { appendFileSync, existsSync } from 'node:fs';
const server = createServer((request, response) => response.end(JSON.stringify({ ...process.env, items: ['goods'] })));
server.listen(Number(process.env.PORT), process.env.HOST);
process.on('SIGTERM', () => {
  if (existsSync('stubborn')) return appendFileSync('ends', 'no\\n');
  if (!process.env.STORE_URL) process.exit(0);
  const { port } = new URL(process.env.STORE_URL);
  const socket = connect(Number(port), '127.0.0.1');
  const end = (word) => () => { appendFileSync('ends', word + '\\n'); process.exit(0); };
  socket.on('connect', end('before the database')).on('error', end('after the database'));
});
`;

/** A launcher with the real system's table, but the service above for every entry. */
const LAUNCHER = `
import { launch } from ${JSON.stringify(new URL('./launch.ts', import.meta.url).href)};
import { SYSTEM } from ${JSON.stringify(new URL('./system.ts', import.meta.url).href)};
const table = SYSTEM.map((row) => ({ ...row, entry: 'service.mjs' }));
await launch(table, import.meta.dirname, process.execPath);
`;

const WITH_STORE = SYSTEM.filter(({ stores }) => stores.length > 0).length;
const ALL_BEFORE_THE_DATABASE = Array<string>(WITH_STORE).fill('before the database');

let root: string;
let dataDir: string;
let portBase: number;
let launchers: ChildProcess[];

beforeEach(async () => {
  root = await mkdtemp(join(await realpath(tmpdir()), 'launch-'));
  await chmod(root, 0o711);
  await writeFile(join(root, 'service.mjs'), SERVICE);
  await writeFile(join(root, 'launcher.mjs'), LAUNCHER);
  dataDir = join(root, 'data');
  portBase = await freePortBase();
  launchers = [];
});

/** Ends whatever a failed test left behind, services and database too. */
afterEach(async () => {
  for (const child of launchers) if (child.exitCode === null) child.kill('SIGKILL');
  await Promise.all(launchers.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
  const run = await takeRunFolder(join(dataDir, 'run'));
  await writeFile(join(root, 'ends'), '');
  await rm(join(root, 'stubborn'), { force: true });
  await run.endLeftOver(() => {});
  await endLeftOver(join(dataDir, 'postgres'), () => {});
  await rm(root, { recursive: true });
});

type Launcher = {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  ended(): Promise<number | null>;
};

const start = (words: string[] = [], environment: Record<string, string> = {}): Launcher => {
  const child = spawn(process.execPath, [join(root, 'launcher.mjs'), ...words], {
    env: { PATH: process.env.PATH, DATA_DIR: dataDir, PORT_BASE: String(portBase), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  launchers.push(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const closed = once(child, 'close').then(([code]) => code as number | null);
  return { child, stdout: () => stdout, stderr: () => stderr, ended: () => closed };
};

const startUp = async (words?: string[], environment?: Record<string, string>): Promise<Launcher> => {
  const launcher = start(words, environment);
  await until(() => {
    if (launcher.child.exitCode !== null) throw new Error(launcher.stderr());
    return launcher.stdout().includes('Everything runs');
  });
  return launcher;
};

const settingsOf = async (offset: number): Promise<Record<string, string>> =>
  (await fetch(`http://127.0.0.1:${portBase + offset}/`)).json() as Promise<Record<string, string>>;

const marks = async (): Promise<ProcessIdentity[]> => {
  const names = (await readdir(join(dataDir, 'run'))).filter((name) => name.endsWith('.pid'));
  return Promise.all(
    names.map(async (name) => JSON.parse(await readFile(join(dataDir, 'run', name), 'utf8'))),
  );
};
const markOfService = async (name: string): Promise<ProcessIdentity> =>
  JSON.parse(await readFile(join(dataDir, 'run', `${name}.process.pid`), 'utf8'));

const query = async (text: string): Promise<unknown[]> => {
  const pool = openPool((await settingsOf(1)).STORE_URL!, { max: 1, name: 'test' });
  try {
    return (await pool.query(text)).rows;
  } finally {
    await pool.end();
  }
};

const ends = async () => (await readFile(join(root, 'ends'), 'utf8')).trim().split('\n');

describe('a start', () => {
  test('prints a line for each service and what to try, and ends in order on Ctrl-C', async () => {
    const { child, stdout, stderr, ended } = await startUp();
    expect(stdout()).toContain(`cart-service              ready at http://127.0.0.1:${portBase + 1}\n`);
    expect(stdout()).toContain(`shopper-tracking-service  ready at http://127.0.0.1:${portBase + 4}\n`);
    expect(stdout()).toContain(`DATA_DIR='${dataDir}' npm run --silent token -- shopper`);
    const running = await marks();
    expect(running).toHaveLength(SYSTEM.length + 1);
    child.kill('SIGINT');
    expect(await ended()).toBe(0);
    expect(running.filter(isRunning)).toEqual([]);
    expect(await readPidFile(join(dataDir, 'postgres'))).toBeUndefined();
    expect(await ends()).toEqual(ALL_BEFORE_THE_DATABASE);
    expect(stderr()).toBe('');
  });

  test('gives each service its own database, and the token it needs', async () => {
    await startUp([], { SECRET_OF_THE_USER: 'x' });
    const [cart, tracking] = [await settingsOf(1), await settingsOf(4)];
    expect(new URL(cart.STORE_URL!)).toMatchObject({ username: 'cart_service', pathname: '/cart' });
    expect(new URL(tracking.STORE_URL!)).toMatchObject({
      username: 'shopper_tracking_service',
      pathname: '/tracking',
    });
    expect(cart).not.toHaveProperty('SECRET_OF_THE_USER');
    expect(await readFile(tracking.SERVICE_TOKEN_FILE!, 'utf8')).toMatch(/^eyJ/);
    expect(await query('SELECT current_user AS name')).toEqual([{ name: 'cart_service' }]);
  });

  test("ignores the shell's settings for another PostgreSQL, and passes them to no service", async () => {
    await startUp([], {
      ...{ PGHOST: '192.0.2.1', PGPORT: '1', PGUSER: 'x', PGPASSWORD: 'x', PGDATABASE: 'x' },
      ...{ PGSSLMODE: 'require', PGOPTIONS: '-c no_such_setting=1', NODE_PG_FORCE_NATIVE: '1' },
    });
    for (const { portOffset } of SYSTEM) {
      const names = Object.keys(await settingsOf(portOffset));
      expect(names.filter((name) => /PG/.test(name))).toEqual([]);
    }
    expect(await query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('publishes its addresses in its data folder, as long as it runs', async () => {
    const { child, ended } = await startUp([], { HOST: 'localhost' });
    const { services, demoFeed } = await readAddresses(dataDir);
    expect(Object.keys(services)).toEqual(SYSTEM.map(({ name }) => name));
    for (const url of Object.values(services)) expect((await fetch(url)).status).toBe(200);
    expect(new URL(demoFeed).hostname).toBe(new URL(services['cart-service']!).hostname);
    child.kill('SIGTERM');
    expect(await ended()).toBe(0);
    await expect(readAddresses(dataDir)).rejects.toThrow(
      /^no system runs on the data folder [^\n]*npm start/,
    );
  });

  test('keeps the data of the last one, unless started with --fresh', async () => {
    const first = await startUp();
    await query('CREATE TABLE kept AS SELECT 7 AS n');
    first.child.kill('SIGTERM');
    expect(await first.ended()).toBe(0);
    const second = await startUp();
    expect(await query('SELECT n FROM kept')).toEqual([{ n: 7 }]);
    second.child.kill('SIGHUP');
    expect(await second.ended()).toBe(0);
    await startUp(['--fresh']);
    await expect(query('SELECT n FROM kept')).rejects.toMatchObject({ code: '42P01' });
  });

  test('after the launcher was killed ends what it left running and starts again, with the data', async () => {
    const first = await startUp();
    await query('CREATE TABLE kept AS SELECT 7 AS n');
    const left = await marks();
    const database = (await readPidFile(join(dataDir, 'postgres')))!.pid;
    first.child.kill('SIGKILL');
    await first.ended();
    expect(left.filter(isRunning)).toHaveLength(SYSTEM.length);

    const second = await startUp();
    expect(left.filter(isRunning)).toEqual([]);
    expect(await ends()).toEqual(ALL_BEFORE_THE_DATABASE);
    expect(second.stdout()).toMatch(/ending cart-service, left over from an earlier start \(pid [0-9]+\)/);
    expect((await readPidFile(join(dataDir, 'postgres')))!.pid).not.toBe(database);
    expect(await query('SELECT n FROM kept')).toEqual([{ n: 7 }]);
  });
});

describe('while it runs', () => {
  test('a service that is killed comes back', async () => {
    const { stdout } = await startUp();
    const first = await markOfService('cart-service');
    process.kill(first.pid, 'SIGKILL');
    await until(async () => (await markOfService('cart-service')).pid !== first.pid);
    await until(() => settingsOf(1));
    expect(stdout()).toMatch(/cart-service {14}was ended by SIGKILL; starts again in 100 ms/);
  });

  test('a killed database comes back with its data', async () => {
    const { stdout } = await startUp();
    await query('CREATE TABLE kept AS SELECT 7 AS n');
    process.kill((await readPidFile(join(dataDir, 'postgres')))!.pid, 'SIGKILL');
    expect(await until(() => query('SELECT n FROM kept'))).toEqual([{ n: 7 }]);
    expect(stdout()).toMatch(/postgresql {16}ended by itself: .*starts again in 100 ms/s);
  });

  test('a second start on its data is refused, also with --fresh, and harms nothing', async () => {
    const { child } = await startUp();
    const second = start();
    expect(await second.ended()).toBe(1);
    expect(second.stderr()).toBe(
      `a system already runs on this DATA_DIR (pid ${child.pid}); end it first, or give another DATA_DIR and PORT_BASE\n`,
    );
    const fresh = start(['--fresh']);
    expect(await fresh.ended()).toBe(1);
    expect(await query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('a second Ctrl-C kills a service that does not end', async () => {
    const { child, ended } = await startUp();
    await writeFile(join(root, 'stubborn'), '');
    child.kill('SIGINT');
    await until(async () => (await ends()).length === SYSTEM.length);
    await until(() => {
      child.kill('SIGINT');
      return child.exitCode !== null;
    });
    expect(await ended()).toBe(0);
    expect((await marks()).filter(isRunning)).toEqual([]);
    expect(await readPidFile(join(dataDir, 'postgres'))).toBeUndefined();
  });

  test('it ends when nothing reads its output any more', async () => {
    const { child, ended } = await startUp();
    child.stdout!.destroy();
    process.kill((await markOfService('cart-service')).pid, 'SIGKILL');
    expect(await ended()).toBe(0);
    expect((await marks()).filter(isRunning)).toEqual([]);
  });
});

describe('one line explains', () => {
  const refusal = async (words: string[] = [], environment: Record<string, string> = {}): Promise<string> => {
    const { ended, stdout, stderr } = start(words, environment);
    expect(await ended()).toBe(1);
    expect(stdout()).toBe('');
    expect(stderr()).toMatch(/^[^\n]+\n$/);
    return stderr();
  };
  const withPortTaken = async (port: number): Promise<string> => {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    try {
      return await refusal();
    } finally {
      server.close();
    }
  };

  test('a port that is taken', async () => {
    expect(await withPortTaken(portBase + 4)).toMatch(
      new RegExp(
        `^port ${portBase + 4}, for shopper-tracking-service, is taken; choose others by PORT_BASE, such as PORT_BASE=\\d+\n$`,
      ),
    );
    expect(await withPortTaken(portBase + 32)).toMatch(
      /for PostgreSQL, is taken; choose others by PORT_BASE/,
    );
    expect((await marks()).filter(isRunning)).toEqual([]);
  });

  test('a DATA_DIR with other files, also with --fresh', async () => {
    await mkdir(join(root, 'home'));
    await writeFile(join(root, 'home/thesis.txt'), 'years of work');
    for (const words of [[], ['--fresh']]) {
      expect(await refusal(words, { DATA_DIR: 'home' })).toMatch(/contains files that are not Micromart's/);
    }
    expect(await readFile(join(root, 'home/thesis.txt'), 'utf8')).toBe('years of work');
  });

  test('a DATA_DIR that cannot be created, and an invalid HOST', async () => {
    await writeFile(join(root, 'file'), '');
    expect(await refusal([], { DATA_DIR: join(root, 'file') })).toMatch(/is a file, or lies below one/);
    if (process.platform === 'linux') {
      expect(await refusal([], { DATA_DIR: '/proc/x' })).toMatch(/cannot be created there/);
    }
    expect(await refusal([], { HOST: 'no-such-host.invalid' })).toMatch(
      /^HOST "no-such-host.invalid" is neither/,
    );
    expect(await refusal([], { HOST: '192.0.2.1' })).toMatch(
      /cannot listen .*is HOST an address of this machine/,
    );
  });

  test('an argument or a setting that is wrong', async () => {
    expect(await refusal(['--frehs'])).toMatch(/Unknown option '--frehs'/);
    expect(await refusal([], { PORT_BASE: 'x' })).toMatch(/PORT_BASE is not a whole number/);
    expect(await refusal([], { AUTH_JWKS: 'keys.json' })).toMatch(/not set: AUTH_ISSUER, AUTH_AUDIENCE/);
  });
});

test('prints its help, and starts nothing', async () => {
  const { ended, stdout } = start(['--help']);
  expect(await ended()).toBe(0);
  expect(stdout()).toMatch(/^npm start \[-- --fresh/);
  expect(await readdir(root)).not.toContain('data');
});
