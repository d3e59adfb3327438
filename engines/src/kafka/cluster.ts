import { mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Broker, formatStorage, startBroker } from './broker.ts';
import { type Certificate, createCertificate } from './certificate.ts';
import { endLeftOverBrokers, nodeFolderOf, propertiesFileOf } from './leftover.ts';
import { type KafkaPrograms, openKafkaPrograms } from './programs.ts';
import { HOST, type KafkaUser, LOG_FOLDER, type NodePorts, serverProperties } from './properties.ts';

/**
 * A local Apache Kafka on 127.0.0.1, one broker or three, without containers: Java runs it from the jars that Maven fetches.
 *
 * - It ends only when `close` is called. A start first ends brokers that a killed parent left running in its folder.
 * - Its data is kept from one start to the next. A folder belongs to one number of brokers.
 * - Three brokers keep three replicas and acknowledge with two, so that any one broker may fail.
 * - It does not flush each write to the disk: after a power failure the last messages are lost.
 */
export type KafkaCluster = {
  /** The brokers' addresses, `host:port`. */
  readonly brokers: readonly string[];
  readonly nodes: readonly KafkaNode[];
  /** File of the certificate that clients must trust; undefined without `secure`. */
  readonly caFile: string | undefined;
  close(): Promise<void>;
};

export type KafkaNode = {
  /** 1, 2, 3. */
  readonly id: number;
  /** Undefined while the broker does not run. */
  readonly pid: number | undefined;
  /** Sends a signal; for SIGKILL and SIGTERM it resolves once the process has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Ends the broker if it runs, and starts it; resolves once it serves requests. */
  restart(): Promise<void>;
  /** Kills the broker and deletes all of its data, without starting it again. */
  wipe(): Promise<void>;
};

export type KafkaOptions = {
  readonly folder: string;
  /** One or three nodes. */
  readonly ports: readonly NodePorts[];
  /**
   * Requires TLS, with a certificate created for it, and a login as this user by SCRAM-SHA-512. The password must contain no
   * comma and no bracket.
   */
  readonly secure?: KafkaUser | undefined;
  /** More server settings of a node, such as `log.retention.ms`; they replace ours. */
  readonly settings?: (id: number) => Readonly<Record<string, string>>;
  /** Called when a running node ends by itself, with its last lines of output. */
  readonly onExit?: (node: KafkaNode, lastWords: string) => void;
  /** Called with progress: jars are fetched, or a left-over broker is ended. */
  readonly log?: (line: string) => void;
  /** Called with each line that a broker prints: warnings and errors, many of them harmless. */
  readonly onLine?: (id: number, line: string) => void;
};

/** Starts the brokers and resolves once all serve requests. Throws one line that says what is missing. */
export async function startKafka(options: KafkaOptions): Promise<KafkaCluster> {
  const { ports, secure, settings = () => ({}), log = () => {} } = options;
  const programs = await openKafkaPrograms(log);
  await mkdir(options.folder, { recursive: true });
  const folder = await realpath(options.folder);
  await endLeftOverBrokers(folder, log);
  const certificate = secure && (await createCertificate(folder));
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
  let isEnding = false;
  const stop = async () => {
    isEnding = true;
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
      if (signal === 'SIGKILL') isEnding = true;
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
      isEnding = false;
      void started.ended.then((lastWords) => {
        if (!isEnding && broker === started) onExit?.(node, lastWords);
      });
    },
    wipe: async () => {
      await node.kill('SIGKILL');
      await rm(join(folder, LOG_FOLDER), { recursive: true, force: true });
    },
  };
  return node;
}
