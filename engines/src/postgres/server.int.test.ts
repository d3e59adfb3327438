import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { freePort } from '@micromart/testing/free-port';
import { until } from '@micromart/testing/until';
import pg from 'pg';
import { endLeftOver, isServerOf } from './leftover.ts';
import { type EmbeddedServer, startEmbeddedServer } from './server.ts';

let home: string;
let folder: string;
let servers: EmbeddedServer[];

beforeEach(async () => {
  home = await mkdtemp(join(await realpath(tmpdir()), 'embedded-'));
  await chmod(home, 0o711);
  folder = join(home, 'data');
  servers = [];
});

afterEach(async () => {
  for (const server of servers) await server.stop();
  await rm(home, { recursive: true });
});

const start = async (options: Partial<Parameters<typeof startEmbeddedServer>[0]> = {}) => {
  const settings = { fsync: 'off' };
  const port = await freePort();
  const server = await startEmbeddedServer({
    folder,
    port,
    superuserPassword: 'p w/d@',
    settings,
    ...options,
  });
  servers.push(server);
  return server;
};

const query = async (url: string, text: string): Promise<unknown[]> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
};

test('keeps the data from one start to the next', async () => {
  const first = await start();
  await query(first.url, 'CREATE TABLE t AS SELECT 7 AS n');
  await first.stop();
  const second = await start();
  expect(await query(second.url, 'SELECT n FROM t')).toEqual([{ n: 7 }]);
});

test('uses UTF-8 and the locale C, and accepts nobody without the password', async () => {
  const { url } = await start();
  const settings = "SELECT current_setting('server_encoding') AS encoding, datcollate AS locale";
  expect(await query(url, `${settings} FROM pg_database WHERE datname = 'postgres'`)).toEqual([
    { encoding: 'UTF8', locale: 'C' },
  ]);
  const wrong = new URL(url);
  wrong.password = 'guess';
  await expect(query(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
});

test('works with a umask that denies others, and in a folder that only its owner may enter', async () => {
  await chmod(home, 0o700);
  const umask = process.umask(0o077);
  try {
    const { url } = await start();
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  } finally {
    process.umask(umask);
  }
});

test('leaves nothing beside its data folder', async () => {
  await start();
  expect(await readdir(home)).toEqual(['data']);
});

test('creates a folder again whose creation was interrupted', async () => {
  await mkdir(join(home, 'data.new-abc123/data'), { recursive: true });
  await writeFile(join(home, 'data.new-abc123/data/PG_VERSION'), '18\n');
  await start();
  expect(await readdir(home)).toEqual(['data']);
});

test('does not touch a folder that contains something else', async () => {
  await mkdir(folder);
  await writeFile(join(folder, 'thesis.txt'), 'years of work');
  await expect(start()).rejects.toThrow(/data is not empty and not a data folder of PostgreSQL/);
  expect(await readFile(join(folder, 'thesis.txt'), 'utf8')).toBe('years of work');
});

test('says that the port is taken', async () => {
  const { url } = await start();
  const port = Number(new URL(url).port);
  const second = start({ folder: join(home, 'second'), port });
  await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE', message: `port ${port} is taken` });
});

test('repeats the error of a server that does not start', async () => {
  await expect(start({ settings: { no_such_setting: '1' } })).rejects.toThrow(/no_such_setting/);
});

test('reports that the server has ended by itself, and only then', async () => {
  const ends: string[] = [];
  const onExit = (lastWords: string) => ends.push(lastWords);
  const first = await start({ onExit });
  await first.stop();
  expect(ends).toEqual([]);
  const second = await start({ onExit });
  process.kill(second.pid, 'SIGKILL');
  await until(() => ends.length === 1);
  await second.stop();
});

test('starts at once after the server was killed, with all committed data', async () => {
  const first = await start();
  await query(first.url, 'CREATE TABLE t AS SELECT 7 AS n');
  process.kill(first.pid, 'SIGKILL');
  const second = await start();
  expect(await query(second.url, 'SELECT n FROM t')).toEqual([{ n: 7 }]);
});

describe('when its parent was killed', () => {
  /** Starts a server from another process, kills that process, and resolves with the server's pid. */
  const orphan = async (): Promise<number> => {
    const module = new URL('./server.ts', import.meta.url).href;
    const options = {
      folder,
      port: await freePort(),
      superuserPassword: 'p w/d@',
      settings: { fsync: 'off' },
    };
    const script = `
      import { startEmbeddedServer } from ${JSON.stringify(module)};
      const { pid } = await startEmbeddedServer(${JSON.stringify(options)});
      process.stdout.write(String(pid));
      setInterval(() => {}, 1_000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [pid] = await once(parent.stdout, 'data');
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    return Number(pid);
  };

  test('the left-over server is ended, and another one starts', async () => {
    const left = await orphan();
    expect(await isServerOf(left, folder)).toBe(true);
    const { pid, url } = await start();
    expect(pid).not.toBe(left);
    expect(await isServerOf(left, folder)).toBe(false);
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('a process that has its pid now is not touched', async () => {
    const first = await start();
    await first.stop();
    const bystander = spawn('sleep', ['60']);
    await writeFile(join(folder, 'postmaster.pid'), `${bystander.pid}\n${folder}\n0\n0\n\n\n\nready\n`);
    await start();
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    bystander.kill('SIGKILL');
    await once(bystander, 'exit');
  });

  test('it can be ended with the data folder alone', async () => {
    const left = await orphan();
    const lines: string[] = [];
    await endLeftOver(folder, (line) => lines.push(line));
    expect(await isServerOf(left, folder)).toBe(false);
    expect(lines).toEqual([`ending the server left over from an earlier run (pid ${left})`]);
    await expect(stat(join(folder, 'postmaster.pid'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
