import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { describeOn } from '@micromart/testing/describe-on';
import { isAlive } from '@micromart/testing/is-alive';
import { MONGODB_START_CAP_MS, testFerretdb } from '@micromart/testing/mongodb';
import { until } from '@micromart/testing/until';
import { MongoClient } from 'mongodb';
import { buildFerretdb } from './build.ts';
import { startFerretdb } from './server.ts';

describeOn(testFerretdb, 'a local MongoDB-compatible server', () => {
  let folder: string;
  const cleanups: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'micromart-ferretdb-'));
    cleanups.push(() => rm(folder, { recursive: true, force: true }));
  });

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  const start = async (port = 0) => {
    const server = await startFerretdb({ folder, port });
    cleanups.push(server.stop);
    return server;
  };

  const withClient = async <T>(url: string, work: (client: MongoClient) => Promise<T>): Promise<T> => {
    const client = await MongoClient.connect(url);
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  };

  test(
    'keeps its data from one start to the next, also when it is killed',
    async () => {
      const first = await start();
      await withClient(first.url, (client) =>
        client.db('shop').collection('goods').insertOne({ name: 'tea' }),
      );
      process.kill(first.pid, 'SIGKILL');
      await until(() => !isAlive(first.pid));
      const second = await start();
      const found = await withClient(second.url, (client) =>
        client.db('shop').collection('goods').findOne({ name: 'tea' }),
      );
      expect(found).toMatchObject({ name: 'tea' });
    },
    MONGODB_START_CAP_MS,
  );

  test('stops while a client is connected', async () => {
    const server = await start();
    await withClient(server.url, async (client) => {
      await client.db('shop').command({ ping: 1 });
      await server.stop();
    });
    expect(isAlive(server.pid)).toBe(false);
  });

  test('ends by itself when the process that started it is killed', async () => {
    const program = await buildFerretdb(() => {});
    const script = `
      const { spawn } = require('node:child_process');
      const server = spawn(process.argv[1], ['127.0.0.1:0', process.argv[2]], { detached: true, stdio: ['pipe', 'inherit', 'inherit'] });
      process.stdout.write(server.pid + '\\n');`;
    const parent = spawn(process.execPath, ['-e', script, program, folder], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const lines: string[] = [];
    createInterface(parent.stdout).on('line', (line) => lines.push(line));
    await until(() => lines.length === 2);
    const pid = Number(lines.find((line) => !line.startsWith('mongodb:')));
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await until(() => !isAlive(pid));
  });

  test('says that its port is taken', async () => {
    const server = await start();
    const port = Number(new URL(server.url).port);
    await expect(startFerretdb({ folder, port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test('reports that it has ended by itself', async () => {
    let said: string | undefined;
    const server = await startFerretdb({ folder, port: 0, onExit: (lastWords) => (said = lastWords) });
    process.kill(server.pid, 'SIGKILL');
    await until(() => said !== undefined);
  });
});
