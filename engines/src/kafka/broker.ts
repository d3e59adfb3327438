/**
 * One broker's process. It runs in a process group of its own, so that Ctrl-C does not end it before its clients have finished,
 * and in its node's folder, which holds its properties and its data.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { endBroker, forgetBroker, propertiesFileOf, rememberBroker } from './leftover.ts';
import type { KafkaPrograms } from './programs.ts';
import { type KafkaUser, LOG_FOLDER } from './properties.ts';

export type Broker = {
  readonly pid: number;
  /** Resolves with its last lines of output, once it has ended and all of them were read. */
  readonly ended: Promise<string>;
  hasEnded(): boolean;
  /** Shuts it down, or kills it when that takes too long. */
  stop(): Promise<void>;
};

const READY_CAP_MS = 120_000;
const FORMAT_TIMEOUT_MS = 60_000;
const LAST_LINES = 10;
/** Any id works, as long as all nodes of a cluster have the same. */
const CLUSTER_ID = 'bWljcm9tYXJ0LWthZmthMQ';
const READY = /Kafka Server started/;
const STACK = /^\s+(at |\.\.\. )/;

/** For a small heap and a quick start. */
const FLAGS = [
  ...['-Xms192m', '-Xmx256m', '-Xss512k', '-XX:+UseSerialGC', '-XX:MaxMetaspaceSize=128m'],
  ...['-XX:TieredStopAtLevel=1', '-XX:+ExitOnOutOfMemoryError'],
  ...['-Djava.net.preferIPv4Stack=true', '-Djava.awt.headless=true'],
  ...['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'],
  // This line says that the broker is ready.
  ...['-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info'],
];

/** Creates the node's data folder if there is none, with `user` as the one who may log in. */
export async function formatStorage(
  { lib }: KafkaPrograms,
  nodeFolder: string,
  user: KafkaUser | undefined,
): Promise<void> {
  const logFolder = join(nodeFolder, LOG_FOLDER);
  const isFormatted = await stat(join(logFolder, 'meta.properties')).catch(() => undefined);
  if (isFormatted) return;
  await rm(logFolder, { recursive: true, force: true });
  await promisify(execFile)(
    'java',
    [
      ...['-XX:TieredStopAtLevel=1', '-cp', join(lib, '*'), 'kafka.tools.StorageTool', 'format'],
      ...['-t', CLUSTER_ID, '-c', propertiesFileOf(nodeFolder)],
      ...(user ? ['--add-scram', `SCRAM-SHA-512=[name=${user.user},password=${user.password}]`] : []),
    ],
    { cwd: nodeFolder, timeout: FORMAT_TIMEOUT_MS },
  ).catch((error) => {
    // Not the error's message, which repeats the command and so the password.
    throw new Error(`Kafka's data folder ${logFolder} could not be created: ${error.stderr || error.code}`);
  });
}

/**
 * Starts the node's broker and resolves once it serves requests; one of three does so when a second one runs. Rejects with the
 * code `EADDRINUSE` when a port is taken; every error contains the broker's last lines of output.
 */
export async function startBroker(
  { lib }: KafkaPrograms,
  nodeFolder: string,
  onLine: (line: string) => void,
): Promise<Broker> {
  const child = spawn(
    'java',
    [...FLAGS, '-cp', join(lib, '*'), 'kafka.Kafka', propertiesFileOf(nodeFolder)],
    { cwd: nodeFolder, detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  if (child.pid === undefined) throw (await once(child, 'error'))[0];
  const pid = child.pid;
  rememberBroker(nodeFolder, pid);
  const lastLines: string[] = [];
  const ready = new Promise<void>((done) => {
    createInterface(child.stderr).on('line', (line) => {
      if (READY.test(line)) return done();
      onLine(line);
      // Stack traces are left out, because they would push the message out of the last lines.
      if (STACK.test(line)) return;
      lastLines.push(line);
      if (lastLines.length > LAST_LINES) lastLines.shift();
    });
  });
  // `close` and not `exit`, because by then every line that it printed has been read.
  const ended = once(child, 'close').then(() => lastLines.join('\n'));
  const broker: Broker = {
    pid,
    ended,
    hasEnded: () => hasEnded(child),
    stop: async () => {
      await endBroker(pid, () => hasEnded(child));
      await forgetBroker(nodeFolder);
    },
  };
  await awaitReady(broker, ready);
  return broker;
}

async function awaitReady(broker: Broker, ready: Promise<void>): Promise<void> {
  let cap: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((done) => {
    cap = setTimeout(() => done('late'), READY_CAP_MS);
  });
  const failed = broker.ended.then((lastWords) => startFailure(lastWords));
  const outcome = await Promise.race([ready, failed, late]);
  clearTimeout(cap);
  if (outcome instanceof Error) throw outcome;
  if (outcome === 'late') {
    await broker.stop();
    throw new Error(`Kafka was not ready after ${READY_CAP_MS} ms: ${await broker.ended}`);
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

function startFailure(lastWords: string): Error {
  const [, address] = /failed to bind to (\S+): Address already in use/i.exec(lastWords) ?? [];
  if (address) return Object.assign(new Error(`${address} is taken`), { code: 'EADDRINUSE' });
  return new Error(`Kafka did not start: ${lastWords || 'it said nothing'}`);
}
