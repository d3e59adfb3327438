import { mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Broker, formatStorage, startBroker } from './broker.ts';
import { type Certificate, makeCertificate } from './certificate.ts';
import { endLeftOverBrokers, nodeFolderOf, propertiesFileOf } from './leftover.ts';
import { type KafkaPrograms, openKafkaPrograms } from './programs.ts';
import { HOST, type KafkaUser, LOG_FOLDER, type NodePorts, serverProperties } from './properties.ts';

/**
 * A real Apache Kafka of our own on 127.0.0.1, one broker or three, without containers: Java runs it from the jars that
 * Maven fetches.
 *
 * - It ends when `close` is called, and only then; whatever a killed parent left over in its folder is ended first.
 * - Its data is kept from one start to the next. A folder belongs to one number of brokers.
 * - Three brokers replicate threefold and acknowledge by two, so that any one of them may fail.
 * - It does not flush each write to the disk: a machine that loses its power loses the last messages.
 */
export type KafkaCluster = {
  /** The brokers' addresses, `host:port`. */
  readonly brokers: readonly string[];
  readonly nodes: readonly KafkaNode[];
  /** What clients must trust; undefined without `secure`. */
  readonly caFile: string | undefined;
  close(): Promise<void>;
};

export type KafkaNode = {
  /** 1, 2, 3. */
  readonly id: number;
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  /** Sends a signal; with SIGKILL and SIGTERM it comes back once the process has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Ends it where it still runs, and starts it; comes back once it serves requests. */
  restart(): Promise<void>;
  /** Kills it and deletes all of its data; it stays down. */
  wipe(): Promise<void>;
};

export type KafkaOptions = {
  readonly folder: string;
  /** One or three nodes. */
  readonly ports: readonly NodePorts[];
  /**
   * Has clients come by TLS, to a certificate made for it, and log in as this user by SCRAM-SHA-512. The password may
   * hold no comma and no bracket.
   */
  readonly secure?: KafkaUser | undefined;
  /** Server settings of a node besides our own, such as `log.retention.ms`. */
  readonly settings?: (id: number) => Readonly<Record<string, string>>;
  /** Called when a node that was up ends without having been told to, with what it said last. */
  readonly onExit?: (node: KafkaNode, lastWords: string) => void;
  /** Hears what is done besides: the jars fetched, a broker ended that was left over. */
  readonly log?: (line: string) => void;
  /** Called with each line that a node's broker prints: warnings and worse, many of which mean nothing. */
  readonly onLine?: (id: number, line: string) => void;
};

/** Starts the brokers and comes back once all serve requests. Throws one line that says what is missing. */
export async function startKafka(options: KafkaOptions): Promise<KafkaCluster> {
  const { ports, secure, settings = () => ({}), log = () => {} } = options;
  const programs = await openKafkaPrograms(log);
  await mkdir(options.folder, { recursive: true });
  const folder = await realpath(options.folder);
  await endLeftOverBrokers(folder, log);
  const certificate = secure && (await makeCertificate(folder));
  const nodes = ports.map((_, index) => {
    const id = index + 1;
    const properties = serverProperties(id, ports, withKey(secure, certificate), settings(id));
    return createNode(id, nodeFolderOf(folder, id), { ...options, programs, properties });
  });
  const close = async () => {
    await Promise.all(nodes.map((node) => node.kill('SIGTERM')));
  };
  const starts = await Promise.allSettled(nodes.map((node) => node.restart()));
  const failed = starts.find((start) => start.status === 'rejected');
  if (failed) {
    await close();
    throw failed.reason;
  }
  return {
    brokers: ports.map(({ broker }) => `${HOST}:${broker}`),
    nodes,
    caFile: certificate?.caFile,
    close,
  };
}

const withKey = (user: KafkaUser | undefined, certificate: Certificate | undefined) =>
  user && certificate && { ...user, keystorePassword: certificate.keystorePassword };

function createNode(
  id: number,
  folder: string,
  {
    programs,
    properties,
    secure,
    onExit,
    onLine,
  }: KafkaOptions & { programs: KafkaPrograms; properties: string },
): KafkaNode {
  let broker: Broker | undefined;
  let told = false;
  const stop = async () => {
    told = true;
    await broker?.stop();
    broker = undefined;
  };
  const node: KafkaNode = {
    id,
    get pid() {
      return broker?.hasEnded() === false ? broker.pid : undefined;
    },
    kill: async (signal) => {
      if (signal === 'SIGTERM') return stop();
      if (node.pid === undefined) return;
      if (signal === 'SIGKILL') told = true;
      process.kill(node.pid, signal);
      if (signal === 'SIGKILL') await broker?.ended;
    },
    restart: async () => {
      await stop();
      await mkdir(folder, { recursive: true });
      await writeFile(propertiesFileOf(folder), properties, { mode: 0o600 });
      await formatStorage(programs, folder, secure);
      const started = await startBroker(programs, folder, (line) => onLine?.(id, line));
      broker = started;
      told = false;
      void started.ended.then((lastWords) => {
        if (!told && broker === started) onExit?.(node, lastWords);
      });
    },
    wipe: async () => {
      await node.kill('SIGKILL');
      await rm(join(folder, LOG_FOLDER), { recursive: true, force: true });
    },
  };
  return node;
}
