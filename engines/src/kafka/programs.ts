/**
 * The programs that a broker needs: Java, installed on the machine, and Kafka's jars, which Maven fetches once into a folder of
 * the user's cache. A later start needs neither Maven nor the network.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const KAFKA_VERSION = '4.3.0';

export type KafkaPrograms = {
  /** The folder of Kafka's jars. */
  readonly lib: string;
};

const LEAST_JAVA = 17;
const ASK_TIMEOUT_MS = 20_000;
const FETCH_TIMEOUT_MS = 600_000;
const MAX_OUTPUT = 1_000_000;
const MAX_LINES = 5;
const POM = fileURLToPath(new URL('./pom.xml', import.meta.url));

const execute = promisify(execFile);

/** Finds the programs, and fetches the jars if they are missing. Throws one line that says what to install. */
export async function openKafkaPrograms(
  log: (line: string) => void,
  lib = join(homedir(), '.cache/micromart', `kafka-${KAFKA_VERSION}`),
): Promise<KafkaPrograms> {
  await requireJava();
  if (!(await isThere(lib))) await fetchJars(lib, log);
  return { lib };
}

async function requireJava(): Promise<void> {
  const advice = `Kafka needs Java ${LEAST_JAVA} or newer; install one (apt install openjdk-17-jre-headless, brew install openjdk, or adoptium.net)`;
  // Java prints its version to standard error.
  const said = await execute('java', ['-version'], { timeout: ASK_TIMEOUT_MS }).catch(() => undefined);
  const release = said && javaRelease(said.stderr);
  if (release === undefined) throw new Error(`${advice}; the command "java" is missing or does not run`);
  if (release < LEAST_JAVA) throw new Error(`${advice}; the command "java" is Java ${release}`);
}

/** The feature release in what `java -version` says: 17 of "17.0.15", and 8 of the old "1.8.0_412". */
export function javaRelease(text: string): number | undefined {
  const [, release] = /version "(?:1\.)?(\d+)/.exec(text) ?? [];
  return release === undefined ? undefined : Number(release);
}

async function fetchJars(lib: string, log: (line: string) => void): Promise<void> {
  await execute('mvn', ['--version'], { timeout: ASK_TIMEOUT_MS }).catch(() => {
    throw new Error(
      'Kafka is fetched by Maven, once, and the command "mvn" is missing or does not run; ' +
        'install it (apt install maven, brew install maven, or maven.apache.org)',
    );
  });
  log(`fetching Apache Kafka ${KAFKA_VERSION} from Maven's repository, once (43 MB) …`);
  await mkdir(dirname(lib), { recursive: true });
  const draft = await mkdtemp(`${lib}.`);
  try {
    const args = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${draft}`];
    await execute('mvn', ['-q', '-B', '-C', '-f', POM, ...args], {
      timeout: FETCH_TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT,
    }).catch((error) => {
      throw new Error(`Maven could not fetch Kafka: ${firstErrors(String(error.stdout || error.message))}`);
    });
    await rename(draft, lib).catch(async (error) => {
      // Another process was faster; its jars are the same.
      if (!(await isThere(lib))) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

const firstErrors = (said: string): string => said.trim().split('\n').slice(0, MAX_LINES).join('\n');

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
