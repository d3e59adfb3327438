import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type KafkaCluster,
  type KafkaNode,
  type KafkaOptions,
  startKafka,
} from '@micromart/engines/kafka/cluster';
import { endLeftOverBrokers } from '@micromart/engines/kafka/leftover';
import { openKafkaPrograms } from '@micromart/engines/kafka/programs';
import { freePort, startOnFreePorts } from './free-port.ts';
import { isAlive } from './is-alive.ts';

const PREFIX = 'micromart-kafka-';
const OF_A_RUN = new RegExp(`^${PREFIX}([0-9]+)-`);

/** What a suite may use if it also runs on a Kafka in a container. */
export type AnyKafka = Pick<KafkaCluster, 'brokers' | 'close'> & {
  readonly nodes: readonly Pick<KafkaNode, 'kill' | 'restart'>[];
};

export type TestKafkaOptions = Omit<KafkaOptions, 'folder' | 'ports'> & { readonly brokers?: 1 | 3 };

/**
 * Starts a Kafka for one suite, on free ports and in a temporary folder, which `close` removes. Each broker takes seconds to
 * start, and much memory, so the tests of a suite share it. The next run removes what a killed run left behind.
 */
export async function openTestKafka({
  brokers = 1,
  ...options
}: TestKafkaOptions = {}): Promise<KafkaCluster> {
  const temporary = await realpath(tmpdir());
  await sweepAbandoned(temporary);
  const folder = await mkdtemp(join(temporary, `${PREFIX}${process.pid}-`));
  const remove = () => rm(folder, { recursive: true, force: true });
  const cluster = await startOnFreePorts(() => startBrokers(brokers, { ...options, folder })).catch(
    async (error) => {
      await remove();
      throw error;
    },
  );
  return {
    ...cluster,
    close: async () => {
      await cluster.close();
      await remove();
    },
  };
}

/** Why no broker can start on this machine, in one line that says what to install; undefined if one can. */
export const whyNoKafka = (): Promise<string | undefined> =>
  openKafkaPrograms(() => {}).then(
    () => undefined,
    (error: Error) => error.message,
  );

async function startBrokers(brokers: number, options: Omit<KafkaOptions, 'ports'>): Promise<KafkaCluster> {
  const ports = [];
  for (let id = 1; id <= brokers; id += 1) {
    ports.push({ broker: await freePort(), controller: await freePort() });
  }
  return await startKafka({ ...options, ports });
}

async function sweepAbandoned(temporary: string): Promise<void> {
  for (const name of await readdir(temporary)) {
    const pid = Number(OF_A_RUN.exec(name)?.[1]);
    if (!pid || isAlive(pid)) continue;
    const folder = join(temporary, name);
    try {
      await endLeftOverBrokers(folder, () => {});
      await rm(folder, { recursive: true, force: true });
    } catch {
      // Another user's run, which this one must not touch.
    }
  }
}
