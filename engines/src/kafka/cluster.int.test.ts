import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { repairKafkaJs } from '@micromart/kafka/repairs';
import { describeKafka } from '@micromart/testing/describe-kafka';
import { freePort } from '@micromart/testing/free-port';
import { isAlive } from '@micromart/testing/is-alive';
import { openTestKafka } from '@micromart/testing/kafka';
import { until } from '@micromart/testing/until';
import kafkajs, { type KafkaConfig } from 'kafkajs';
import { type KafkaCluster, type KafkaNode, startKafka } from './cluster.ts';

const CAP_MS = 300_000;
const TOPIC = 'goods';

// Without, each connection sets timers in the past, of which Node warns (tulios/kafkajs#1751).
repairKafkaJs();

const asAdmin = async <T>(
  { brokers }: KafkaCluster,
  work: (admin: ReturnType<kafkajs.Kafka['admin']>) => Promise<T>,
  config: Partial<KafkaConfig> = {},
): Promise<T> => {
  const kafka = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING, ...config });
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
};
const makeTopic = (cluster: KafkaCluster) =>
  asAdmin(cluster, (admin) => admin.createTopics({ topics: [{ topic: TOPIC }], waitForLeaders: true }));
const topicsOf = (cluster: KafkaCluster) => asAdmin(cluster, (admin) => admin.listTopics());

describeKafka('a local broker', () => {
  let folder: string;
  let cluster: KafkaCluster | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cluster-'));
  });

  afterEach(async () => {
    await cluster?.close();
    cluster = undefined;
    await rm(folder, { recursive: true });
  });

  test(
    'keeps its data when it is killed, can be restarted, and loses all data when it is wiped',
    async () => {
      const ends: number[] = [];
      cluster = await openTestKafka({ onExit: ({ id }) => ends.push(id) });
      const [node] = cluster.nodes as [KafkaNode];
      await makeTopic(cluster);

      const first = node.pid!;
      await node.kill('SIGKILL');
      expect([node.pid, isAlive(first)]).toEqual([undefined, false]);
      await node.restart();
      expect(await topicsOf(cluster)).toEqual([TOPIC]);
      expect(ends).toEqual([]);

      process.kill(node.pid!, 'SIGKILL');
      await until(() => ends.length > 0);
      await node.restart();

      await node.wipe();
      expect(node.pid).toBeUndefined();
      await node.restart();
      expect(await topicsOf(cluster)).toEqual([]);
      expect(ends).toEqual([1]);
    },
    CAP_MS,
  );

  test(
    'accepts only clients with the password, over TLS',
    async () => {
      const secure = { user: 'ann', password: 'p@ss "w/\\ord%' };
      cluster = await openTestKafka({ secure });
      const ssl = { ca: await readFile(cluster.caFile!, 'utf8') };
      // A new object each time, because the client stores its authentication, with the password, in the one it gets.
      const sasl = (password: string) =>
        ({ mechanism: 'scram-sha-512', username: secure.user, password }) as const;
      const list = (config: Partial<KafkaConfig>) =>
        asAdmin(cluster!, (admin) => admin.listTopics(), { retry: { retries: 0 }, ...config });
      expect(await list({ ssl, sasl: sasl(secure.password) })).toEqual([]);
      await expect(list({ ssl, sasl: sasl('guess') })).rejects.toThrow(/SASL/);
      await expect(list({ ssl: true, sasl: sasl(secure.password) })).rejects.toThrow(/self-signed/);
      await expect(list({ sasl: sasl(secure.password) })).rejects.toThrow();
    },
    CAP_MS,
  );

  test(
    'is ended by the next start when its parent was killed',
    async () => {
      const ports = [{ broker: await freePort(), controller: await freePort() }];
      const source = `
        import { startKafka } from '${new URL('./cluster.ts', import.meta.url)}';
        const { nodes } = await startKafka(${JSON.stringify({ folder, ports })});
        process.stdout.write(String(nodes[0].pid));
        setInterval(() => {}, 1_000);
      `;
      const parent = spawn(process.execPath, ['--input-type=module', '--eval', source], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [pid] = (await once(parent.stdout, 'data')).map(Number) as [number];
      parent.kill('SIGKILL');
      await once(parent, 'exit');
      expect(isAlive(pid)).toBe(true);

      const said: string[] = [];
      cluster = await startKafka({ folder, ports, log: (line) => said.push(line) });
      expect(said).toEqual([`ending the broker left over from an earlier run (pid ${pid})`]);
      await until(() => !isAlive(pid));

      const second = startKafka({ folder: join(folder, 'second'), ports });
      await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
    },
    CAP_MS,
  );

  test(
    'is one of three, of which any one may be killed or stopped',
    async () => {
      cluster = await openTestKafka({ brokers: 3 });
      await until(() => makeTopic(cluster!));
      const [first, second] = cluster.nodes as [KafkaNode, KafkaNode];
      await first.kill('SIGKILL');
      await until(async () => (await topicsOf(cluster!)).includes(TOPIC));
      await first.restart();

      await second.kill('SIGSTOP');
      await second.kill('SIGTERM');
      expect(second.pid).toBeUndefined();
      expect(await topicsOf(cluster)).toEqual([TOPIC]);
    },
    CAP_MS,
  );
});
