/**
 * The Kafka of a data folder, started by `npm run kafka`, or by `npm start` if it runs its own Kafka. Only one process at a
 * time has it. A broker that ends by itself is restarted.
 */
import { join } from 'node:path';
import { type KafkaNode, startKafka } from '@micromart/engines/kafka/cluster';
import { endLeftOverBrokers } from '@micromart/engines/kafka/leftover';
import { requireFreePorts } from './free-ports.ts';
import { createKeeper, type Keeper } from './keeper.ts';
import { holderOf, takeRunFolder } from './run-folder.ts';
import { type BrokerPorts, LOCAL_HOST } from './system.ts';

export type LocalKafka = {
  /** `host:port` of each broker. */
  readonly brokers: readonly string[];
  close(): Promise<void>;
};

/** Three brokers cannot use the data of one. */
const folderOf = (dataDir: string, brokers: number): string => join(dataDir, 'kafka', String(brokers));
const FOLDER_SIZES = [1, 3];
/** In the run folder, which survives `--fresh`. */
const runFolderOf = (dataDir: string): string => join(dataDir, 'run/kafka');

/** Starts it on these ports and resolves once it serves requests. The data folder must be open. */
export async function startLocalKafka({
  dataDir,
  ports,
  print,
}: {
  dataDir: string;
  ports: readonly BrokerPorts[];
  print: (line: string) => void;
}): Promise<LocalKafka> {
  const run = await takeRunFolder(runFolderOf(dataDir), inUse);
  const keepers = new Map<number, Keeper>();
  const onExit = ({ id }: KafkaNode, lastWords: string) =>
    keepers.get(id)?.ended(`broker ${id} ended by itself${lastError(lastWords)}`);
  try {
    await endLeftOver(dataDir, print);
    const users = ports.flatMap(({ broker, controller }) => [broker, controller]);
    await requireFreePorts(
      LOCAL_HOST,
      users.map((port) => ({ name: 'Kafka', port })),
    );
    const cluster = await startKafka({ folder: folderOf(dataDir, ports.length), ports, log: print, onExit });
    for (const node of cluster.nodes) {
      keepers.set(
        node.id,
        createKeeper(() => node.restart(), print),
      );
    }
    return {
      brokers: cluster.brokers,
      close: async () => {
        await Promise.all([...keepers.values()].map((keeper) => keeper.stop()));
        await cluster.close();
        await run.release();
      },
    };
  } catch (error) {
    await run.release();
    throw error;
  }
}

/**
 * Ends the brokers that a killed process left on a data folder. Those of a living process stay; if they are in the way
 * (`needed`), this throws.
 */
export async function endLeftOverKafka(
  dataDir: string,
  { needed, log }: { needed: boolean; log: (line: string) => void },
): Promise<void> {
  const holder = await holderOf(runFolderOf(dataDir));
  if (holder === undefined) await endLeftOver(dataDir, log);
  else if (needed) throw new Error(inUse(holder));
}

async function endLeftOver(dataDir: string, log: (line: string) => void): Promise<void> {
  for (const brokers of FOLDER_SIZES) await endLeftOverBrokers(folderOf(dataDir, brokers), log);
}

const inUse = (pid: number): string =>
  `Kafka already runs on this DATA_DIR (pid ${pid}); end it first, or have npm start use it by KAFKA_BROKERS`;

/** Of a broker's last lines only an error says why it ended. */
function lastError(lastWords: string): string {
  const error = lastWords.split('\n').findLast((line) => / (ERROR|FATAL) /.test(line));
  return error ? `: ${error}` : '';
}
