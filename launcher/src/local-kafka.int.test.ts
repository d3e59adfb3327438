import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { describeKafka } from '@micromart/testing/describe-kafka';
import { isAlive } from '@micromart/testing/is-alive';
import { until } from '@micromart/testing/until';
import { endLeftOverKafka } from './local-kafka.ts';
import { freePortBase } from './testing/free-port-base.ts';

const CAP_MS = 300_000;
const START_CAP_MS = 120_000;

const main = fileURLToPath(new URL('./kafka-main.ts', import.meta.url));

let dataDir: string;
let portBase: number;
let children: ChildProcess[];

beforeEach(async () => {
  dataDir = join(await mkdtemp(join(await realpath(tmpdir()), 'local-kafka-')), 'data');
  portBase = await freePortBase();
  children = [];
});

afterEach(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
  await endLeftOverKafka(dataDir, { needed: true, log: () => {} });
  await rm(join(dataDir, '..'), { recursive: true });
});

/** Runs `npm run kafka`'s program. */
const start = () => {
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, DATA_DIR: dataDir, PORT_BASE: String(portBase) },
  });
  children.push(child);
  const seen = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    seen.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    seen.err += chunk;
  });
  const closed = once(child, 'close').then(([code]) => code as number | null);
  return { child, seen, ended: () => closed };
};

const startUp = async () => {
  const started = start();
  await until(() => started.seen.out.includes('Ctrl-C ends it'), { capMs: START_CAP_MS });
  return started;
};

const brokerPid = async () => Number(await readFile(join(dataDir, 'kafka/1/node1/broker.pid'), 'utf8'));

describeKafka('npm run kafka', () => {
  test(
    'prints where Kafka is, restarts a killed broker, and ends all of it on Ctrl-C',
    async () => {
      const { child, seen, ended } = await startUp();
      const address = `127.0.0.1:${portBase + 92}`;
      expect(seen.out).toContain(`KAFKA_BROKERS=${address} npm start -- --events kafka`);

      const first = await brokerPid();
      process.kill(first, 'SIGKILL');
      await until(async () => (await brokerPid()) !== first && isAlive(await brokerPid()));
      expect(seen.out).toMatch(/broker 1 ended by itself; starts again in 100 ms/);

      child.kill('SIGINT');
      expect(await ended()).toBe(0);
      expect(seen.err).toBe('');
      await expect(brokerPid()).rejects.toThrow(/ENOENT/);
    },
    CAP_MS,
  );

  test(
    'belongs to one process at a time, and the next ends what a killed one left',
    async () => {
      const { child, ended } = await startUp();
      const second = start();
      expect(await second.ended()).toBe(1);
      expect(second.seen.err).toMatch(
        new RegExp(`^Kafka already runs on this DATA_DIR \\(pid ${child.pid}\\).*KAFKA_BROKERS\n$`),
      );
      const left = await brokerPid();
      child.kill('SIGKILL');
      await ended();
      expect(isAlive(left)).toBe(true);
      const third = await startUp();
      expect(third.seen.out).toContain(`ending the broker left over from an earlier run (pid ${left})`);
      expect(isAlive(left)).toBe(false);
    },
    CAP_MS,
  );
});
